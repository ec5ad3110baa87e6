"""The paper's experiments as data, and the plan that follows from them."""

from collections import Counter

import numpy as np
import pytest

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.models.catalog import CATALOG
from suwen.reproduction.figures import largest_deviation, reported_difference
from suwen.reproduction.paper import CLAIMS, RECIPES, SYSTEMS, TABLE_2, TABLES, Contrast, System, systems_of
from suwen.reproduction.plan import claims_of, estimated_seconds, plan_runs, plan_to_dict, tables_of
from suwen.reproduction.profile import PROFILES, load_profile, system_config
from suwen.reproduction.system_run import Run
from suwen.schema import LCDD

EVERYTHING = tables_of([])


def test_reproduction_paper_has_its_tables() -> None:
    assert [len(TABLES[name].rows) for name in ("4", "5", "6", "7")] == [6, 10, 6, 4]
    assert set(RECIPES) == set(CATALOG)
    assert len(SYSTEMS) == 24
    # Two of the paper's figures do not follow from its own P and R by more than rounding.
    far = {
        row.system.title
        for table in TABLES.values()
        for row in table.rows
        if row.reported and abs(2 / (1 / row.reported.precision + 1 / row.reported.recall) - row.reported.f1) > 0.03
    }
    assert far == {"RoBERTa-BiLSTM-CRF"}


def test_reproduction_paper_has_table_2_to_within_an_entity() -> None:
    assert tuple(TABLE_2) == LCDD.labels
    assert np.array(list(TABLE_2.values())).sum(0).tolist() == [105348, 35116, 35119]
    assert largest_deviation(TABLE_2)[0] < 0.2


def test_reproduction_paper_claims_compare_rows_of_its_tables() -> None:
    for claim in CLAIMS:
        assert set(claim.systems) <= set(systems_of(claim.tables)), claim.name
    assert reported_difference(CLAIMS[0].contrasts[0]) == pytest.approx(0.282)
    assert reported_difference(Contrast(System("dictionary"), System("bert"))) is None


def test_reproduction_plan_makes_shared_runs_once() -> None:
    runs = plan_runs(load_profile("mini"), EVERYTHING)
    assert len(set(runs)) == len(runs)
    assert Counter(run.unit for run in runs) == {"sentence": 24, "document": 21, "group": 57, "entity": 2}
    assert {run.seed for run in runs if SYSTEMS[run.system].baseline} == {0}
    assert systems_of(EVERYTHING)["roberta-fc"] == ["5", "6", "7", "entities"]
    assert plan_runs(load_profile("mini"), ["2"]) == []


def test_reproduction_plan_takes_the_tables_that_are_named() -> None:
    assert tables_of(["7", "4"]) == ("4", "7")
    assert [claim.name for claim in claims_of(["7"])] == ["crf", "lstm"]
    runs = plan_runs(load_profile("mini"), ["7"])
    assert {run.system for run in runs} == {"roberta-fc", "roberta-crf", "roberta-lstm-crf", "roberta-bilstm-crf"}
    with pytest.raises(SuwenError, match="S404"):
        tables_of(["3"])


def test_reproduction_plan_estimates_proportions() -> None:
    documents = [Document("1", "患者" * 5000)]
    mini, paper = load_profile("mini"), load_profile("paper")
    whole = estimated_seconds(Run("bert-fc", "group", 0), mini, documents)
    assert whole > estimated_seconds(Run("bert-fc-original", "group", 0), mini, documents)
    assert estimated_seconds(Run("bert-fc", "group", 0), paper, documents) > 10 * whole
    half = load_profile("mini", ["fraction=0.5", "test_fraction=0.5"])
    assert estimated_seconds(Run("bert-fc", "group", 0), half, documents) == pytest.approx(whole / 2)
    plan = plan_to_dict(plan_runs(mini, ["4"]), mini, ["4"], documents)
    assert plan["rows_of_tables"] == 6
    assert plan_to_dict([], mini, ["4", "added"], documents)["rows_of_tables"] == 11
    # Every summand is rounded.
    rounded = 0.5 + 0.05 * len(plan["runs"])
    assert plan["seconds"] == pytest.approx(sum(row["seconds"] for row in plan["runs"]), abs=rounded)


@pytest.mark.parametrize("name", PROFILES)
def test_reproduction_profile_configures_every_system(name: str) -> None:
    profile = load_profile(name)
    for system in SYSTEMS.values():
        config = system_config(system, profile, 3)
        if not system.baseline:
            assert config.seed == 3
            assert system.encoder == "best" or config.head.name == system.head
            assert (config.encoder.transfer == "feature-extraction") == system.frozen


def test_reproduction_profile_paper_is_table_3() -> None:
    optimization = system_config(System("bert"), load_profile("paper"), 0).optimization
    assert (optimization.learning_rate, optimization.batch_sentences, optimization.weight_decay) == (5e-5, 32, 0.01)
    assert optimization.epochs == 6


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (["fractoin=0.2"], "S401"),
        (["fraction=0"], "S402"),
        (["seeds.group=[1,1]"], "S402"),
        (['training=["optimization.epoch=3"]'], "S401"),
        (['best=["optimization.epochs=many"]'], "S402"),
    ],
)
def test_reproduction_profile_refuses_mistakes_before_anything_runs(settings: list[str], code: str) -> None:
    with pytest.raises(SuwenError, match=code):
        load_profile("mini", settings)
    with pytest.raises(SuwenError, match="S404"):
        load_profile("huge")

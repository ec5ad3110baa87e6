"""Sentences on how the figures were made, each in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.reproduction.paper import BEST
from suwen.reproduction.profile import UNITS
from suwen.reproduction.results import Results

__all__ = ["facts", "limits"]

Sentence = tuple[str, str]


def facts(results: Results) -> list[Sentence]:
    """Return a summary of the experiment: documents, profile, runs, cost."""
    documents = results.material.documents
    entities = sum(len(document.entities) for document in documents)
    done = sum(result["state"] == "done" for result in results.by_run.values())
    failed, missing = len(results.failed), len(results.missing)
    hours = sum(result["cost"]["seconds"] for result in results.by_run.values()) / 3600
    profile = results.profile
    share = f"{100 * profile.fraction:g} %"
    lines = [
        (
            f"{len(documents):,} 篇文献（语料的 {share}），{entities:,} 个实体；规模 {profile.name}",
            f"{len(documents):,} documents ({share} of the corpus), {entities:,} entities; profile {profile.name}",
        ),
        (
            f"{len(results.runs)} 次运行：完成 {done}，失败 {failed}，未运行 {missing}；共 {hours:.1f} 小时",
            f"{len(results.runs)} runs: {done} done, {failed} failed, {missing} not run; {hours:.1f} hours in all",
        ),
    ]
    if profile.name == "smoke":
        lines.append(
            (
                "smoke 只检验程序能否跑通：模型极小、训练极短，数字与判定都没有意义。",
                "The profile smoke only shows that everything works: its models are so small that figures and verdicts "
                "mean nothing.",
            )
        )
    return lines


def limits(results: Results, encoders: Mapping[str, Any]) -> list[Sentence]:
    """Return the conditions of the experiment: splits, seeds, measures, tests, and limits."""
    profile = results.profile
    seeds = {unit: len(getattr(profile.seeds, unit)) for unit in UNITS}
    lines = [
        (
            "训练、开发、测试 6:2:2。按句划分如论文；按文献与按期次划分只运行与论点有关的行和另加的行。",
            "Train, dev and test are 6 : 2 : 2. The split by sentence has every row, as in the paper; the splits by "
            "document and by journal issue have only the rows with a claim and the added rows.",
        ),
        (
            f"种子数：按句 {seeds['sentence']}，按文献 {seeds['document']}，按期次 {seeds['group']}。"
            "± 是各种子间的标准差。",
            f"Seeds: {seeds['sentence']} by sentence, {seeds['document']} by document, {seeds['group']} by journal "
            "issue; ± is the standard deviation over them. All seeds share one split and one set of generated "
            "documents.",
        ),
        (
            "论点在按期次划分上判定：对全部种子做配对随机化检验（严格实体 F1，一篇文献为一个单位），按 Holm 校正；"
            "95 % 区间为自助法。“至少 3 分”和“不到 1 分”由区间判定，成立还须检验显著。",
            "Claims are judged on the split by journal issue: paired approximate randomization over all seeds (strict "
            "entity F1, a document is the unit), corrected by Holm; 95 % bootstrap intervals. “At least 3 points” and "
            "“less than 1 point” are decided by the interval; to hold, they also need the test.",
        ),
        (
            "严格实体 F1：类型与起止全对。按字 F1:BIO 标签，不计 O。标签正确率：计 O。三者不能互相比较。",
            "Strict entity F1: type and both ends right. Token F1: BIO tags without O. Tag accuracy counts O. They "
            "are not comparable; the paper does not say which one its figures are.",
        ),
        (
            "全连接层取每个字最可能的标签；不合法的 BIO 序列按 conlleval 读：没有 B 的 I、换了类型的 I 都开始新实体。",
            "A fully connected layer takes the best tag of each character. Illegal BIO sequences are read "
            "as in conlleval: an I without a B, or of another type, begins an entity.",
        ),
        (
            "表 5、6、7 的全部行在 D ∪ D' 上训练，包括从头训练的基线；D' 是训练部分的一份改写，由 ERNIE 生成。"
            "句末标点也会被改写，摘出的句子在换行处可能断开：D' 的句数不等于 D，跨句末的实体学不到"
            "（各清单的 expressible）。",
            "All rows of tables 5, 6 and 7 train on D ∪ D', also the baselines from scratch. D' is one generated copy "
            "of the training part, by ERNIE. It may replace a full stop, and a sentence from wrapped lines may break "
            "at a line end. So D' does not have exactly as many sentences as D, and entities that cross a sentence end "
            "cannot be learned (counted under “expressible” in each manifest).",
        ),
    ]
    added = len(results.material.documents_of("group")) - len(results.material.documents)
    if added:
        judged = len(results.test("group"))
        lines.append(
            (
                f"按期次划分的测试部分有 {judged} 篇，其中 {added} 篇在上述文献之外（表 2 不计）：篇数太少判不出论点。",
                f"The test part of the split by journal issue has {judged} documents, {added} of them in addition to "
                "those above (not in table 2), because few documents cannot decide a claim.",
            )
        )
    if profile.encoders == "own":
        lines.append(
            (
                "编码器按各自的方法小规模预训练，未读按期次划分的开发与测试文献；但其他划分的测试文献（无标注）可能读过。",
                "The encoders were pre-trained on a small scale, by their own recipes, without the dev and test "
                "documents of the split by journal issue. They may have read test text of "
                "the other splits, without annotations.",
            )
        )
    unsure = [name for name, about in encoders.items() if about.get("read_test")]
    if unsure:
        lines.append(
            (
                f"注意：编码器 {'、'.join(unsure)} 未说明没有读过测试文献。",
                f"Note: {', '.join(unsure)} may have read the test documents.",
            )
        )
    if any(run.system == BEST for run in results.runs):
        lines.append(
            (
                f"suwen 是本项目的设置：预设 best，编码器 {profile.best_encoder}，原始数据。",
                f"suwen is this project's own setting: preset best, encoder {profile.best_encoder}, original data.",
            )
        )
    return lines

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torchcrf = pytest.importorskip("torchcrf")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from suwen.models import crf as crf_module  # noqa: E402
from suwen.models.crf import CRF  # noqa: E402
from suwen.schemes import BIO, BIOES, SCHEMES  # noqa: E402
from suwen.tagging.decode import ILLEGAL, legal_transitions, viterbi  # noqa: E402

schemes = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)


def random_crf(tags, scheme, seed=0):
    generator = torch.Generator().manual_seed(seed)
    crf = CRF(tags, scheme)
    with torch.no_grad():
        for weights in crf.parameters():
            weights.uniform_(-1, 1, generator=generator)
    return crf


def random_batch(crf, tags, scheme, lengths, seed=0, scale=1.0):
    """Emissions, random legal gold tags, lengths."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths), len(tags))
    emissions = scale * torch.randn(shape, generator=generator)
    noise = torch.randn(shape, generator=generator).numpy()
    gold = torch.from_numpy(viterbi(noise, lengths, legal_transitions(tags, scheme)))
    return emissions, gold, torch.tensor(lengths)


def reference_of(crf):
    """The same CRF in pytorch-crf, its illegal transitions at the same constant."""
    scores = crf.numpy_transitions()
    reference = torchcrf.CRF(len(scores.start), batch_first=True).double()
    with torch.no_grad():
        reference.start_transitions.copy_(torch.from_numpy(scores.start))
        reference.end_transitions.copy_(torch.from_numpy(scores.end))
        reference.transitions.copy_(torch.from_numpy(scores.matrix))
    return reference


def log_of_all_paths(emissions, crf):
    """The log-partition of one sequence [T, K] by enumeration."""
    length, size = emissions.shape
    paths = torch.tensor(list(product(range(size), repeat=length)))
    legal = crf.legal_start[paths[:, 0]] & crf.legal_end[paths[:, -1]]
    legal &= crf.legal[paths[:, :-1], paths[:, 1:]].all(dim=1)
    return torch.logsumexp(scores_of(paths[legal], emissions, crf), dim=0)


def scores_of(paths, emissions, crf):
    moves = crf.transitions[paths[:, :-1], paths[:, 1:]].sum(dim=1)
    inner = emissions[torch.arange(len(emissions)), paths].sum(dim=1)
    return crf.start[paths[:, 0]] + inner + moves + crf.end[paths[:, -1]]


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(list(SCHEMES.values())),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.sampled_from([1.0, 30.0, 1000.0]),
    st.integers(0, 2**31 - 1),
)
def test_crf_loss_and_gradient_are_those_of_all_paths(scheme, lengths, scale, seed):
    tags = scheme.tags("A")
    crf = random_crf(tags, scheme, seed).double()
    emissions, gold, sizes = random_batch(crf, tags, scheme, lengths, seed, scale)
    emissions = emissions.double().requires_grad_()
    losses = crf(emissions, gold, sizes)
    expected = torch.stack(
        [
            log_of_all_paths(sequence[:n], crf) - scores_of(path[None, :n], sequence[:n], crf)[0]
            for sequence, path, n in zip(emissions, gold, lengths, strict=True)
        ]
    )
    torch.testing.assert_close(losses, expected, rtol=1e-12, atol=1e-9)
    weights = torch.arange(1.0, len(lengths) + 1).double()
    inputs = (emissions, crf.start, crf.end, crf.transitions)
    found = torch.autograd.grad(losses @ weights, inputs)
    torch.testing.assert_close(found, torch.autograd.grad(expected @ weights, inputs), rtol=1e-9, atol=1e-9)


@schemes
@pytest.mark.parametrize("space", ["linear", "log"])
def test_crf_gradient_passes_gradcheck(scheme, space, monkeypatch):
    if space == "log":
        monkeypatch.setattr(crf_module, "linear_steps", lambda *_: 0)
    tags = scheme.tags("A")
    crf = random_crf(tags, scheme).double()
    emissions, gold, lengths = random_batch(crf, tags, scheme, [4, 1, 3])

    def losses(emissions, start, end, transitions):
        weights = {"start": start, "end": end, "transitions": transitions}
        return torch.func.functional_call(crf, weights, (emissions, gold, lengths))

    inputs = (emissions.double().requires_grad_(), crf.start, crf.end, crf.transitions)
    assert torch.autograd.gradcheck(losses, inputs)


@pytest.mark.filterwarnings("ignore:where received a uint8")
@pytest.mark.parametrize(("scheme", "scale"), [(BIO, 1.0), (BIO, 20.0), (BIO, 400.0), (BIOES, 3.0)])
def test_crf_agrees_with_pytorch_crf_under_the_same_mask(scheme, scale):
    tags = scheme.tags([f"L{i}" for i in range(15)])
    crf = random_crf(tags, scheme)
    lengths = [128, 1, 2, 77, 128, 30, 111, 5]
    emissions, gold, sizes = random_batch(crf, tags, scheme, lengths, scale=scale)
    emissions.requires_grad_()
    reference = reference_of(crf)
    copied = emissions.detach().double().requires_grad_()
    mask = torch.arange(128) < sizes[:, None]

    losses = crf(emissions, gold, sizes)
    expected = -reference(copied, gold, mask, reduction="none")
    torch.testing.assert_close(losses, expected.float(), rtol=1e-6, atol=1e-4)
    found = torch.autograd.grad(losses.sum(), (emissions, crf.start, crf.end, crf.transitions))
    weights = (copied, reference.start_transitions, reference.end_transitions, reference.transitions)
    for gradient, other in zip(found, torch.autograd.grad(expected.sum(), weights), strict=True):
        torch.testing.assert_close(gradient, other.float(), rtol=1e-5, atol=1e-5)

    paths = viterbi(emissions.detach().numpy(), lengths, crf.numpy_transitions())
    assert [path[:n].tolist() for path, n in zip(paths, lengths, strict=True)] == reference.decode(copied, mask)


@schemes
def test_crf_never_learns_an_illegal_transition(scheme):
    tags = scheme.tags("AB")
    crf = random_crf(tags, scheme)
    before = {name: weights.detach().clone() for name, weights in crf.named_parameters()}
    emissions, gold, lengths = random_batch(crf, tags, scheme, [20, 7])
    optimizer = torch.optim.Adam(crf.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        crf(emissions, gold, lengths).sum().backward()
        optimizer.step()
    legal = {"start": crf.legal_start, "end": crf.legal_end, "transitions": crf.legal}
    for name, weights in crf.named_parameters():
        assert torch.equal(weights[~legal[name]], before[name][~legal[name]])
        assert not torch.equal(weights[legal[name]], before[name][legal[name]])
    learned, allowed = crf.numpy_transitions(), legal_transitions(tags, scheme)
    for field in ("start", "end", "matrix"):
        assert np.array_equal(getattr(learned, field) == ILLEGAL, getattr(allowed, field) == ILLEGAL)
        assert getattr(learned, field).dtype == np.float32


def test_crf_padding_and_neighbors_change_nothing():
    tags = BIO.tags("AB")
    crf = random_crf(tags, BIO)
    lengths = [9, 4, 1]
    emissions, gold, sizes = random_batch(crf, tags, BIO, lengths)
    padding = torch.arange(9) >= sizes[:, None]
    emissions[padding] = torch.nan
    gold[padding] = -100
    emissions.requires_grad_()
    losses = crf(emissions, gold, sizes)
    (gradient,) = torch.autograd.grad(losses.sum(), emissions)
    assert not gradient[padding].any()
    for i, n in enumerate(lengths):
        alone = emissions[i : i + 1, :n].detach().requires_grad_()
        loss = crf(alone, gold[i : i + 1, :n], sizes[i : i + 1])
        torch.testing.assert_close(loss[0], losses[i])
        torch.testing.assert_close(torch.autograd.grad(loss.sum(), alone)[0][0], gradient[i, :n])


def test_crf_refuses_gold_tags_that_it_could_never_predict():
    tags = BIOES.tags("AB")
    crf = CRF(tags, BIOES)
    good = [tags.index(tag) for tag in ("O", "B-A", "E-A", "S-B")]
    for bad in (["I-A", "E-A", "O", "O"], ["O", "B-A", "E-B", "O"], ["O", "O", "O", "B-A"]):
        gold = torch.tensor([good, [tags.index(tag) for tag in bad]])
        with pytest.raises(ValueError, match=r"sequences \[1\]"):
            crf(torch.zeros(2, 4, len(tags)), gold, torch.tensor([4, 4]))
    with pytest.raises(ValueError, match=r"sequences \[0\]"):
        crf(torch.zeros(1, 4, len(tags)), torch.tensor([good]), torch.tensor([0]))


def test_crf_refuses_tags_that_cannot_be_reached():
    with pytest.raises(ValueError, match="cannot be reached under BIO"):
        CRF(("O", "I-A"), BIO)


def test_crf_nan_and_infinity_give_a_loss_that_is_not_finite():
    tags = BIO.tags("A")
    crf = random_crf(tags, BIO)
    emissions, gold, lengths = random_batch(crf, tags, BIO, [6, 6, 6])
    sound = crf(emissions, gold, lengths)
    emissions[0, 2, 1] = torch.nan
    emissions[1, 2] = torch.inf
    losses = crf(emissions, gold, lengths)
    assert losses[0].isnan()
    assert not losses[1].isfinite()
    torch.testing.assert_close(losses[2], sound[2])


def test_crf_is_exact_under_autocast():
    tags = BIO.tags("AB")
    crf = random_crf(tags, BIO)
    emissions, gold, lengths = random_batch(crf, tags, BIO, [60, 41])
    emissions = emissions.bfloat16()
    expected = crf(emissions.float(), gold, lengths)
    emissions.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = crf(emissions, gold, lengths)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected)
    losses.sum().backward()
    assert emissions.grad.dtype == torch.bfloat16
    assert crf.transitions.grad.dtype == torch.float32


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_crf_long_sequences_stay_finite(scale):
    tags = BIO.tags("AB")
    crf = random_crf(tags, BIO)
    emissions, gold, lengths = random_batch(crf, tags, BIO, [5000], scale=scale)
    emissions.requires_grad_()
    loss = crf(emissions, gold, lengths)
    loss.sum().backward()
    assert loss.isfinite().all()
    # Expected minus observed tags: both count one tag at each position.
    torch.testing.assert_close(emissions.grad.sum(dim=2), torch.zeros(1, 5000), rtol=0, atol=1e-5)


def test_crf_starts_as_a_mere_mask():
    tags = BIO.tags("A")
    crf = CRF(tags, BIO)
    assert not any(weights.any() for weights in crf.parameters())
    # With equal emissions every legal path is as likely as any other: O, B-A; then O O, O B, B O, B B, B I.
    losses = crf(torch.zeros(2, 2, 3), torch.zeros(2, 2, dtype=torch.long), torch.tensor([1, 2]))
    assert losses.tolist() == pytest.approx([np.log(2), np.log(5)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_crf_on_cuda_equals_cpu(scale):
    tags = BIOES.tags([f"L{i}" for i in range(15)])
    crf = random_crf(tags, BIOES)
    emissions, gold, lengths = random_batch(crf, tags, BIOES, [90, 1, 33], scale=scale)
    expected = crf(emissions, gold, lengths)
    expected.sum().backward()
    gradient = crf.transitions.grad.clone()
    crf.zero_grad()
    crf.cuda()
    losses = crf(emissions.cuda(), gold.cuda(), lengths.cuda())
    losses.sum().backward()
    torch.testing.assert_close(losses.cpu(), expected)
    torch.testing.assert_close(crf.transitions.grad.cpu(), gradient)

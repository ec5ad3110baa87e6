"""The linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001) as a training loss.

The scheme's illegal transitions are constants, never weights. The forward and the backward messages run side by side in
linear space, one matrix product per step for both, and the gradient (expected minus observed counts) comes with them.
Decoding is in `suwen.tagging.decode`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from suwen.schemes import Scheme
from suwen.tagging.lattice import ILLEGAL, Transitions, legal_transitions, linear_steps

__all__ = ["CRF"]


class CRF(nn.Module):
    """Linear-chain CRF over the tags of a scheme.

    The weights start at zero: they are biases of tags and of pairs of tags, and the first loss is then that of the
    emissions alone. Those of illegal transitions are never read, so no optimizer changes them.

    Parameters
    ----------
    tags
        The K tags, such as ``scheme.tags(labels)``.
    scheme
        Says which tag may follow which, begin and end a sequence.

    Attributes
    ----------
    start, end
        Scores of the first and of the last tag, ``[K]``.
    transitions
        Scores of moving from one tag to the next, ``[K, K]`` (from, to).

    Raises
    ------
    ValueError
        When a tag cannot be reached from another (an inside tag without its begin tag).
    """

    legal_start: Tensor
    legal_end: Tensor
    legal: Tensor

    def __init__(self, tags: Sequence[str], scheme: Scheme) -> None:
        super().__init__()
        legal = legal_transitions(tags, scheme)
        if not legal.mixing:
            raise ValueError(f"some of these tags cannot be reached under {scheme.name}: {', '.join(tags)}")
        self.mixing = legal.mixing
        self.start = nn.Parameter(torch.zeros(len(tags)))
        self.end = nn.Parameter(torch.zeros(len(tags)))
        self.transitions = nn.Parameter(torch.zeros(len(tags), len(tags)))
        for name, scores in ("legal_start", legal.start), ("legal_end", legal.end), ("legal", legal.matrix):
            self.register_buffer(name, torch.from_numpy(scores > ILLEGAL), persistent=False)

    def forward(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood of each tag sequence, in nats.

        The arithmetic is float64 (float32 where the device has no float64), whatever autocast says.

        Parameters
        ----------
        emissions
            ``[B, T, K]``.
        tags
            Gold tag indices, int64 ``[B, T]``; any value beyond the length.
        lengths
            Number of tags of each sequence, int64 ``[B]``, at least 1; padding comes after.

        Returns
        -------
        Tensor
            ``[B]``, at least float32. NaN where an emission is NaN.

        Raises
        ------
        ValueError
            When a sequence is empty or its gold tags are illegal under the scheme.
        """
        mask = _inside(emissions, lengths)
        tags = tags.masked_fill(~mask, 0)
        self._check(tags, lengths, mask)
        with torch.autocast(emissions.device.type, enabled=False):
            steps, start, matrix, end = self._precise(emissions, mask)
            gold = start[tags[:, 0]] + end[_last(tags, lengths)]
            gold = gold + steps.gather(2, tags[:, :, None]).squeeze(2).mul(mask).sum(dim=1)
            gold = gold + matrix[tags[:, :-1], tags[:, 1:]].mul(mask[:, 1:]).sum(dim=1)
            paths = _LogPartition.apply(steps, start, matrix, end, lengths, self.mixing)  # type: ignore[no-untyped-call]
            losses: Tensor = paths - gold
        return losses.to(torch.promote_types(emissions.dtype, torch.float32))

    def cross_entropy(self, emissions: Tensor, unary: Tensor, moves: Tensor, lengths: Tensor) -> Tensor:
        """Return the cross-entropy of each sequence to a distribution over tag sequences, in nats.

        A linear-chain CRF sees of another distribution only its expected counts, so this is exact for whatever
        distribution has these; for counts of one tag sequence it is `forward`. Minus the other's entropy it is the
        Kullback-Leibler divergence: posterior distillation (Wang et al., 2020, section 3.2).

        Parameters
        ----------
        emissions
            ``[B, T, K]``.
        unary
            The probability of each tag at each position, ``[B, T, K]``, 0 beyond the length.
        moves
            The expected number of each move from tag to tag, ``[B, K, K]``, 0 for illegal ones.
        lengths
            As in `forward`.

        Returns
        -------
        Tensor
            ``[B]``, at least float32.
        """
        mask = _inside(emissions, lengths)
        with torch.autocast(emissions.device.type, enabled=False):
            steps, start, matrix, end = self._precise(emissions, mask)
            unary, moves = unary.to(steps.dtype), moves.to(steps.dtype)
            last = unary[torch.arange(len(unary), device=unary.device), lengths - 1]
            wanted = (
                unary[:, 0] @ start + last @ end + (steps * unary).sum(dim=(1, 2)) + (matrix * moves).sum(dim=(1, 2))
            )
            paths = _LogPartition.apply(steps, start, matrix, end, lengths, self.mixing)  # type: ignore[no-untyped-call]
            losses: Tensor = paths - wanted
        return losses.to(torch.promote_types(emissions.dtype, torch.float32))

    @torch.no_grad()
    def expected_counts(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return this CRF's own distribution for `cross_entropy`: ``unary`` and ``moves``.

        The probability of each tag, ``[B, T, K]``, and the expected number of each move, ``[B, K, K]``.
        """
        mask = _inside(emissions, lengths)
        _, unary, moves = _expectations(*self._precise(emissions, mask), lengths, self.mixing)
        return unary * mask[:, :, None], moves

    def _precise(self, emissions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the emissions (0 where padded), start, matrix and end in the precision of the arithmetic."""
        dtype = torch.float32 if emissions.device.type == "mps" else torch.float64
        start, matrix, end = (scores.to(dtype) for scores in self._scores())
        return emissions.to(dtype).masked_fill(~mask[:, :, None], 0.0), start, matrix, end

    def numpy_transitions(self) -> Transitions:
        """Return the scores for decoding, illegal ones `ILLEGAL`."""
        start, matrix, end = (scores.detach().float().cpu().numpy() for scores in self._scores())
        return Transitions(start, end, matrix)

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        return (
            self.start.masked_fill(~self.legal_start, ILLEGAL),
            self.transitions.masked_fill(~self.legal, ILLEGAL),
            self.end.masked_fill(~self.legal_end, ILLEGAL),
        )

    def _check(self, tags: Tensor, lengths: Tensor, mask: Tensor) -> None:
        legal = (self.legal[tags[:, :-1], tags[:, 1:]] | ~mask[:, 1:]).all(dim=1)
        legal &= self.legal_start[tags[:, 0]] & self.legal_end[_last(tags, lengths)] & (lengths > 0)
        if not legal.all():
            wrong = (~legal).nonzero().flatten().tolist()
            raise ValueError(f"empty, or gold tags that are illegal under the scheme: sequences {wrong} of the batch")


def _inside(emissions: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(emissions.shape[1], device=emissions.device) < lengths[:, None]


def _last(tags: Tensor, lengths: Tensor) -> Tensor:
    return tags.gather(1, (lengths - 1).clamp(min=0)[:, None]).squeeze(1)


class _LogPartition(torch.autograd.Function):
    """The log-weight of all tag sequences, ``[B]``; its gradient, the expected counts, comes in the same pass."""

    @staticmethod
    def forward(
        ctx: Any, steps: Tensor, start: Tensor, matrix: Tensor, end: Tensor, lengths: Tensor, mixing: int
    ) -> Tensor:
        log_partition, unary, pairwise = _expectations(steps, start, matrix, end, lengths, mixing)
        ctx.save_for_backward(unary, pairwise, lengths)
        return log_partition

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        unary, pairwise, lengths = ctx.saved_tensors
        of_steps = unary * gradient[:, None, None]
        of_matrix = (gradient @ pairwise.flatten(1)).view(pairwise.shape[1:])
        # A sequence begins with its first tag and ends with its last: their counts are the emissions' there.
        of_start = of_steps[:, 0].sum(dim=0)
        of_end = of_steps[torch.arange(len(lengths), device=lengths.device), lengths - 1].sum(dim=0)
        return of_steps, of_start, of_matrix, of_end, None, None


def _expectations(
    steps: Tensor, start: Tensor, matrix: Tensor, end: Tensor, lengths: Tensor, mixing: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the log-partition ``[B]``, tag marginals ``[B, T, K]`` and expected number of each move ``[B, K, K]``.

    The backward messages are the forward messages of the mirrored sequences, so both advance in the same operations.
    """
    positions = torch.arange(steps.shape[1], device=steps.device)[:, None]
    rows = torch.arange(len(steps), device=steps.device)
    mask = positions < lengths
    mirror = torch.where(mask, lengths - 1 - positions, positions)

    def both_ways(values: Tensor) -> Tensor:
        values = values.transpose(0, 1)
        return torch.stack((values, values[mirror, rows]), dim=1)

    edges = torch.stack((start, end))[:, None]
    moves = torch.stack((matrix, matrix.T))
    # As in `suwen.tagging.lattice.Messages`: factors of at most 1, so that messages shrink and never overflow.
    peaks = steps.amax(dim=2, keepdim=True)
    largest = torch.cat(
        [scores.masked_fill(scores <= ILLEGAL, 0.0).abs().flatten() for scores in (start, matrix, end)]
    ).max()
    growth = largest + math.log(len(start))
    drop = (peaks - steps.amin(dim=2, keepdim=True)).max() + largest + growth
    every = linear_steps(float(drop), mixing, torch.finfo(steps.dtype).tiny)
    if every:
        factors = moves.sub(growth).exp()
        before, states, log_sums = _linear_messages(both_ways((steps - peaks).exp()), edges.exp(), factors, every)
        after, suffixes = before[:, 1][mirror, rows], states[:, 1][mirror, rows]
        unary = states[:, 0] * after
        # Sums over all paths, each position in its own scale, which its marginals and moves share.
        sums = unary.sum(dim=2, keepdim=True)
        unary /= sums
        suffixes = suffixes[1:] / sums[:-1] * mask[1:, :, None]
        pairwise = factors[0] * (states[:-1, 0].permute(1, 2, 0) @ suffixes.transpose(0, 1))
        log_scales = (log_sums[:, 0, :, 0] + peaks[:, :, 0].T).mul(mask).sum(dim=0) + (lengths - 1) * growth
        log_partition = log_scales + sums[lengths - 1, rows, 0].log()
    else:
        before, states = _log_messages(both_ways(steps), edges, moves)
        after, suffixes = before[:, 1][mirror, rows], states[:, 1][mirror, rows]
        unary = (states[:, 0] + after).softmax(dim=2)
        log_partition = (states[0, 0] + after[0]).logsumexp(dim=1)
        pairwise = steps.new_zeros(len(steps), *matrix.shape)
        for prefix, suffix, present in zip(states[:-1, 0], suffixes[1:], mask[1:], strict=True):
            logs = prefix[:, :, None] + matrix + suffix[:, None, :] - log_partition[:, None, None]
            pairwise += logs.masked_fill(~present[:, None, None], -math.inf).exp_()
    return log_partition, unary.transpose(0, 1), pairwise


def _linear_messages(factors: Tensor, edges: Tensor, moves: Tensor, every: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the messages before and after each emission, ``[T, 2, B, K]``.

    Messages after an emission are rescaled to sum 1 every `every` steps; the logarithms of the divisors come third.
    """
    before, states = torch.empty_like(factors), torch.empty_like(factors)
    sums = torch.ones_like(factors[..., :1])
    before[0] = edges
    previous = None
    for t, (arriving, state, factor) in enumerate(zip(before.unbind(), states.unbind(), factors.unbind(), strict=True)):
        if previous is not None:
            torch.bmm(previous, moves, out=arriving)
        torch.mul(arriving, factor, out=state)
        if t % every == 0:
            torch.sum(state, dim=2, keepdim=True, out=sums[t])
            state /= sums[t]
        previous = state
    return before, states, sums.log_()


def _log_messages(both: Tensor, edges: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logarithms of the messages before and after each emission, both ``[T, 2, B, K]``."""
    before, states = torch.empty_like(both), torch.empty_like(both)
    before[0] = edges
    for t in range(len(both)):
        if t:
            before[t] = (states[t - 1, :, :, :, None] + moves[:, None]).logsumexp(dim=2)
        states[t] = before[t] + both[t]
    return before, states

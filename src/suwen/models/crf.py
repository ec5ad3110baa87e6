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
from suwen.tagging.decode import ILLEGAL, Transitions, legal_transitions

__all__ = ["CRF"]

# Entries this much (in nats) below the largest cannot be seen in a sum; so much room is left above underflow.
MARGIN = 40.0


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
        """Negative log-likelihood of each tag sequence, in nats.

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
        mask = torch.arange(emissions.shape[1], device=emissions.device) < lengths[:, None]
        tags = tags.masked_fill(~mask, 0)
        self._check(tags, lengths, mask)
        with torch.autocast(emissions.device.type, enabled=False):
            losses: Tensor = _NegativeLogLikelihood.apply(emissions, *self._scores(), tags, lengths, mask, self.mixing)
        return losses.to(torch.promote_types(emissions.dtype, torch.float32))

    def numpy_transitions(self) -> Transitions:
        """The scores for decoding, illegal ones `ILLEGAL`."""
        start, matrix, end = (scores.detach().float().cpu().numpy() for scores in self._scores())
        return Transitions(start, end, matrix)

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        return (
            self.start.masked_fill(~self.legal_start, ILLEGAL),
            self.transitions.masked_fill(~self.legal, ILLEGAL),
            self.end.masked_fill(~self.legal_end, ILLEGAL),
        )

    def _check(self, tags: Tensor, lengths: Tensor, mask: Tensor) -> None:
        last = tags.gather(1, (lengths - 1).clamp(min=0)[:, None]).squeeze(1)
        legal = (self.legal[tags[:, :-1], tags[:, 1:]] | ~mask[:, 1:]).all(dim=1)
        legal &= self.legal_start[tags[:, 0]] & self.legal_end[last] & (lengths > 0)
        if not legal.all():
            wrong = (~legal).nonzero().flatten().tolist()
            raise ValueError(f"empty, or gold tags that are illegal under the scheme: sequences {wrong} of the batch")


class _NegativeLogLikelihood(torch.autograd.Function):
    """Loss and analytic gradient in one pass."""

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        matrix: Tensor,
        end: Tensor,
        tags: Tensor,
        lengths: Tensor,
        mask: Tensor,
        mixing: int,
    ) -> Tensor:
        ctx.dtypes = [tensor.dtype for tensor in (emissions, start, matrix, end)]
        dtype = torch.float32 if emissions.device.type == "mps" else torch.float64
        steps = emissions.to(dtype).masked_fill(~mask[:, :, None], 0.0)
        start, matrix, end = start.to(dtype), matrix.to(dtype), end.to(dtype)
        log_partition, unary, pairwise = _expectations(steps, start, matrix, end, lengths, mask, mixing)

        rows = torch.arange(len(tags), device=tags.device)
        score = start[tags[:, 0]] + end[tags[rows, lengths - 1]]
        score += steps.gather(2, tags[:, :, None]).squeeze(2).mul(mask).sum(dim=1)
        score += matrix[tags[:, :-1], tags[:, 1:]].mul(mask[:, 1:]).sum(dim=1)

        unary.scatter_add_(2, tags[:, :, None], -mask[:, :, None].to(dtype))
        moves = tags[:, :-1] * len(start) + tags[:, 1:]
        pairwise.flatten(1).scatter_add_(1, moves, -mask[:, 1:].to(dtype))
        ctx.save_for_backward(unary, pairwise, lengths)
        return log_partition - score

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        unary, pairwise, lengths = ctx.saved_tensors
        rows = torch.arange(len(lengths), device=lengths.device)
        of_emissions = unary * gradient[:, None, None]
        # A sequence begins with its first tag and ends with its last: their counts are the emissions' there.
        of_start = of_emissions[:, 0].sum(dim=0)
        of_end = of_emissions[rows, lengths - 1].sum(dim=0)
        of_matrix = (gradient @ pairwise.flatten(1)).view(pairwise.shape[1:])
        gradients = (of_emissions, of_start, of_matrix, of_end)
        return *(g.to(dtype) for g, dtype in zip(gradients, ctx.dtypes, strict=True)), None, None, None, None


def _expectations(
    steps: Tensor, start: Tensor, matrix: Tensor, end: Tensor, lengths: Tensor, mask: Tensor, mixing: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-partition ``[B]``, tag marginals ``[B, T, K]`` and expected number of each move ``[B, K, K]``.

    The backward messages are the forward messages of the mirrored sequences, so both advance in the same operations.
    """
    positions = torch.arange(steps.shape[1], device=steps.device)[:, None]
    rows = torch.arange(len(steps), device=steps.device)
    mask = mask.T
    mirror = torch.where(mask, lengths - 1 - positions, positions)
    forward = steps.transpose(0, 1)
    both = torch.stack((forward, forward[mirror, rows]), dim=1)
    edges = torch.stack((start, end))[:, None]
    moves = torch.stack((matrix, matrix.T))
    if _fits_linear_space(steps, (start, matrix, end), mixing):
        before, states, log_sums = _linear_messages(both, edges.exp(), moves.exp())
        after = before[:, 1][mirror, rows]
        suffixes = states[:, 1][mirror, rows]
        unary = states[:, 0] * after
        sums = unary.sum(dim=2, keepdim=True)
        unary /= sums
        suffixes = suffixes[1:] / sums[:-1] * mask[1:, :, None]
        pairwise = moves[0].exp() * (states[:-1, 0].permute(1, 2, 0) @ suffixes.transpose(0, 1))
        log_partition = (log_sums[:, 0] * mask).sum(dim=0) + sums[lengths - 1, rows, 0].log()
    else:
        before, states = _log_messages(both, edges, moves)
        after = before[:, 1][mirror, rows]
        suffixes = states[:, 1][mirror, rows]
        unary = (states[:, 0] + after).softmax(dim=2)
        log_partition = (states[0, 0] + after[0]).logsumexp(dim=1)
        pairwise = steps.new_zeros(len(steps), *matrix.shape)
        for prefix, suffix, present in zip(states[:-1, 0], suffixes[1:], mask[1:], strict=True):
            logs = prefix[:, :, None] + matrix + suffix[:, None, :] - log_partition[:, None, None]
            pairwise += logs.masked_fill(~present[:, None, None], -math.inf).exp_()
    unary.masked_fill_(~mask[:, :, None], 0.0)
    return log_partition, unary.transpose(0, 1).contiguous(), pairwise


def _fits_linear_space(steps: Tensor, weights: tuple[Tensor, ...], mixing: int) -> bool:
    """Whether no message entry can underflow so that a path of weight is lost.

    Any tag follows from any other within `mixing` moves, each of which can lower an entry, relative to the sum of all,
    by no more than the range of the emissions, that of the legal weights, and the number of tags. False for NaN.
    """
    low, high = torch.aminmax(steps, dim=2)
    largest = torch.stack([weight.masked_fill(weight <= ILLEGAL, 0.0).abs().max() for weight in weights]).max()
    drop = (high - low).max() + 2 * largest + math.log(steps.shape[2])
    return bool(mixing * drop < -math.log(torch.finfo(steps.dtype).tiny) - MARGIN)


def _linear_messages(both: Tensor, edges: Tensor, moves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Messages before and after each emission ``[T, 2, B, K]``, the latter scaled to sum 1, and the scales' logs."""
    peaks = both.amax(dim=3, keepdim=True)
    factors = (both - peaks).exp_()
    before, states, sums = torch.empty_like(both), torch.empty_like(both), torch.empty_like(peaks)
    before[0] = edges
    for t, (arriving, state, total) in enumerate(zip(before.unbind(), states.unbind(), sums.unbind(), strict=True)):
        if t:
            torch.bmm(states[t - 1], moves, out=arriving)
        torch.mul(arriving, factors[t], out=state)
        torch.sum(state, dim=2, keepdim=True, out=total)
        state /= total
    return before, states, (sums.log_() + peaks).squeeze(3)


def _log_messages(both: Tensor, edges: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the messages before and after each emission, both ``[T, 2, B, K]``."""
    before, states = torch.empty_like(both), torch.empty_like(both)
    before[0] = edges
    for t in range(len(both)):
        if t:
            before[t] = (states[t - 1, :, :, :, None] + moves[:, None]).logsumexp(dim=3)
        states[t] = before[t] + both[t]
    return before, states

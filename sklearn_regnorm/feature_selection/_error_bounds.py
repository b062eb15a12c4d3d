"""Bounds on the expected number of features that stability selection selects falsely.

A feature is selected if at least a share tau of N half-samples select it at one alpha of a region;
then at least that share select it somewhere in the region, which is what the theory is about. Let q
be the expected number of features that half of the rows select somewhere in the region, of p. A
feature counts as false if half of the rows select it with a probability of at most theta = q / p.
Those are all irrelevant ones if these are exchangeable and the lasso is no worse than guessing
(Meinshausen and Bühlmann 2010, Theorem 1); without that, the bounds are on features of low
selection probability (Shah and Samworth 2013).

With B pairs of disjoint halves, N = 2B, let X be the number of pairs both halves of which select a
feature. Since ab >= a + b - 1 for a, b in {0, 1}, a share of tau implies X >= T = (2 tau - 1) B;
and E X = B (selection probability)^2. The bounds are on P(X >= T), from what is assumed of X.
"""

import numpy as np

# Shifts between which the extremal r-concave distributions are sought (the largest is a straight
# line, to rounding), bisections of the way between two of them, and points between kinks.
SHIFTS = np.geomspace(1e-12, 1e6, 200)
BISECTIONS = 24
INSIDE = 12
# Covers, with room to spare, what the search falls short of the largest.
MARGIN = 1.0 + 1e-5


def error_bounds(q, p, threshold, n_resamples, kind):
    """Return bounds on the expected number of falsely selected features.

    Parameters
    ----------
    q : ndarray of shape (m,)
        Expected numbers of features selected on one half-sample.
    p : int
    threshold : float
        Above one half. It is rounded up to a share that N half-samples can have.
    n_resamples : int
        N; even unless `kind` is "markov".
    kind : {"markov", "unimodal", "r-concave"}

    Returns
    -------
    ndarray of shape (m,)
        At most p; not decreasing in q.
    """
    q = np.asarray(q, dtype=np.float64)
    needed = least_count(threshold, n_resamples)
    bounds = q**2 / p * (n_resamples / (2 * needed - n_resamples))
    if kind != "markov":
        pairs = n_resamples // 2
        eta, both = (q / p) ** 2, needed - pairs
        valid = unimodal_applies(eta, both, pairs)
        bounds = np.where(valid, q**2 / p * unimodal_constant(both, pairs), bounds)
    if kind == "r-concave":
        tails = [
            min(r_concave_tail(one**2, both, pairs, -0.5),
                r_concave_tail(one, needed, n_resamples, -0.25))
            for one in q / p
        ]  # fmt: skip
        bounds = np.minimum(bounds, p * np.array(tails))
    return np.minimum(bounds, p)


def least_count(threshold, n_resamples):
    """Return the least number of half-samples whose share reaches the threshold."""
    return int(np.searchsorted(np.arange(n_resamples + 1) / n_resamples, threshold))


def unimodal_applies(eta, both, pairs):
    """Return where Theorem 2 of Shah and Samworth covers a mean of at most `eta` (per pair)."""
    t = both / pairs
    return (eta <= 1 / 3) & (t > np.minimum(2 * eta, 1 / pairs + 1.5 * eta))


def unimodal_constant(both, pairs):
    """Return C(tau, B) of Theorem 2: P(X >= T) <= C E X / B for unimodal X in {0, ..., B}.

    With t = T / B = 2 tau - 1 that is 1 / (2t - 1/B) up to t = 1/2 and 2 (1 - t + 1/B) / (1 + 1/B)
    above.
    """
    if 2 * both <= pairs:
        return pairs / (2 * both - 1)
    return 2 * (pairs - both + 1) / (pairs + 1)


def r_concave_tail(mean, least, size, r):
    """Return the largest P(X >= least) of r-concave X in {0, ..., size} with E X <= mean * size.

    The probabilities f of X are r-concave, r < 0, if f^r is convex. The extreme ones have f^r
    linear up to some k, as far as f goes, but for a smaller f at k + 1 (Shah and Samworth 2013,
    Appendix): f(i) = (a + i)^(1/r). For each a > 0 there is one k that gives the mean, so the
    largest is sought over a: at the a at which k changes, and in between.
    """
    mu = mean * size
    if mu == 0.0:
        return 0.0
    if least <= 2 * mu:
        return 1.0  # as in the paper: nothing is claimed there
    i = np.arange(size + 1)

    def sums(shifts, *factors):
        """Return cumulative sums of f(i) / f(0) times factors, for each shift."""
        f = (1 + i / shifts[:, None]) ** (1 / r)
        return [np.cumsum(factor * f, axis=1) for factor in factors]

    def too_low(shifts):
        total, first = sums(shifts, 1, i)
        return first <= mu * total

    def tails(shifts):
        total, first, above = sums(shifts, 1, i, i >= least)
        k = np.count_nonzero(first <= mu * total, axis=1) - 1  # the last with a mean of at most mu
        at = np.arange(len(k)), k
        last = np.where(k < size, (mu * total[at] - first[at]) / (k + 1 - mu), 0.0)
        return np.where(k + 1 >= least, (above[at] + last) / (total[at] + last), 0.0)

    ks = np.arange(least, size + 1)
    cell = np.count_nonzero(too_low(SHIFTS)[:, ks], axis=0)
    cell = np.clip(cell, 1, len(SHIFTS) - 1)
    low, high = SHIFTS[cell - 1], SHIFTS[cell]
    at = np.arange(len(ks)), ks
    for _ in range(BISECTIONS):  # for the shift at which 0, ..., k alone have the mean
        middle = np.sqrt(low * high)
        left = too_low(middle)[at]
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    kinks = np.append(low[::-1], SHIFTS[-1])
    inside = np.geomspace(kinks[:-1], kinks[1:], INSIDE, endpoint=False)
    return min(1.0, MARGIN * float(tails(np.append(inside.ravel(), high)).max()))

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

# Points at which the family of extremal r-concave distributions is searched, first and then around
# the best of them; and the largest shift: a straight line, to rounding.
SHIFTS = 400
ZOOM = 21
LARGEST_SHIFT = 1e6
# Covers, with room to spare, what the search falls short of the largest: 3e-6 of it at most.
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
    largest is sought over a.
    """
    mu = mean * size
    if mu == 0.0:
        return 0.0
    if least <= 2 * mu:
        return 1.0  # as in the paper: nothing is claimed there
    i = np.arange(size + 1)

    def tails(shifts):
        f = (1 + i / shifts[:, None]) ** (1 / r)
        total, first = np.cumsum(f, axis=1), np.cumsum(i * f, axis=1)
        k = np.count_nonzero(first <= mu * total, axis=1) - 1  # the last with a mean of at most mu
        total_k, first_k = (np.take_along_axis(one, k[:, None], 1)[:, 0] for one in (total, first))
        last = np.where(k < size, (mu * total_k - first_k) / (k + 1 - mu), 0.0)
        return np.where(k + 1 >= least, 1.0 - total[:, least - 1] / (total_k + last), 0.0)

    low, high, best = np.log(1e-6), np.log(LARGEST_SHIFT), 0.0
    for count in (SHIFTS, *[ZOOM] * 6):  # there is a kink wherever k changes: no smooth search
        grid = np.linspace(low, high, count)
        values = tails(np.exp(grid))
        top = int(np.argmax(values))
        best = max(best, float(values[top]))
        low, high = grid[max(top - 1, 0)], grid[min(top + 1, count - 1)]
    return min(1.0, MARGIN * best)

"""Scorers of scikit-learn on the solutions of the folds, as they come."""

from inspect import signature

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MethodMapping, process_routing

from .._threads import check_cancelled
from ..solvers.active_set import relaxed_path
from ._base import routing_enabled

# The metric where no scorer is given.
ERROR = "neg_mean_squared_error"
# The name of a scorer that is given as a function.
NAMELESS = "score"


def make_scorers(estimator, scoring):
    """Return {metric: scorer} for scikit-learn's `scoring`; {} for None."""
    if scoring is None:
        return {}
    if isinstance(scoring, dict):
        named = dict(scoring)
    elif isinstance(scoring, list | tuple | set):
        if not all(isinstance(one, str) for one in scoring):
            raise ValueError("scoring: a list must hold names of scorers; use a dict otherwise.")
        named = {one: one for one in sorted(scoring)}
    else:
        named = {scoring if isinstance(scoring, str) else NAMELESS: scoring}
    if not all(isinstance(name, str) for name in named):
        raise ValueError("scoring: names of metrics must be strings.")
    if not named:
        raise ValueError("scoring is empty: give a scorer, or None for the mean squared error.")
    return {name: check_scoring(estimator, scoring=one) for name, one in named.items()}


def choosing_metric(refit, metrics):
    """Return the name of the metric that chooses; `metrics` are the names of all."""
    if refit is None and len(metrics) == 1:
        return metrics[0]
    if refit not in metrics:
        problem = "needed with several scorers" if refit is None else f"no metric: {refit!r}"
        raise ValueError(f"refit is {problem}; name one of {metrics}.")
    return refit


def weighed(estimator, scorers, sample_weight):
    """Return {metric: scorer(model, X, y, weights)}, which hand weights on where they are due.

    Due are they to scorers that take them; under metadata routing, to those that ask for them.
    """
    routed = {}
    if routing_enabled() and scorers:
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        routed = process_routing(estimator, "fit", **given)

    def wants(name, scorer):
        if sample_weight is None:
            return False
        if routing_enabled():
            return "sample_weight" in routed[f"scorer_{name}"].score
        parameters = signature(scorer).parameters.values()
        return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)

    def judging(name, scorer):
        weighted = wants(name, scorer)

        def judge(model, X, y, weights):
            nonlocal weighted
            verdict = None
            if weighted:
                try:
                    verdict = scorer(model, X, y, sample_weight=weights)
                except TypeError as error:
                    # scikit-learn's scorers pass weights on also to metrics that take none
                    if routing_enabled() or "sample_weight" not in str(error):
                        raise
                    weighted = False
            if not weighted:
                verdict = scorer(model, X, y)
            try:
                return float(verdict if np.ndim(verdict) == 0 else None)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"scoring: {name} returned no number.") from None

        return judge

    return {name: judging(name, scorer) for name, scorer in scorers.items()}


def route_scorers(router, scorers):
    """Add the scorers to an estimator's metadata router."""
    for name, scorer in scorers.items():
        mapping = MethodMapping().add(caller="fit", callee="score")
        router.add(method_mapping=mapping, **{f"scorer_{name}": scorer})


class Candidate(RegressorMixin, BaseEstimator):
    """A solution that scorers judge: a linear model whose predictions on one X are known."""

    def __init__(self, coef, intercept, X, predictions):
        self.coef_ = coef
        self.intercept_ = intercept
        self.n_features_in_ = X.shape[1]
        self._X = X
        self._predictions = predictions

    def predict(self, X):
        """Return the predictions that are known, or those for another X."""
        if X is self._X:
            return self._predictions
        return X @ self.coef_.T + self.intercept_


class FoldScores:
    """Scores, and predictions, of the left-out rows: what `CrossValidation.run` may show.

    Parameters
    ----------
    scorers : dict of str to callable
        As `weighed` returns them; if empty, the metric is `ERROR`.
    grid : Grid
    folds : list of (train, test)
    rows : callable
        ``rows(k)`` returns all rows of X that the problem of fold k was made from.
    y, weights : ndarray of shape (n,)
        Scorers do not see rows of weight zero.
    unit : float
        What the caller's weights, which scorers get, were divided by.
    keep : bool
        Whether to keep the predictions.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_ratios, n_alphas, n_blends, n_folds)
    """

    def __init__(self, scorers, grid, folds, rows, y, weights, unit, keep):
        self.scorers = scorers
        self.grid = grid
        self.folds = folds
        self.rows = rows
        self.y = y
        self.weights = weights
        self.unit = unit
        # folds may come from several threads, but each writes to places of its own
        shape = *grid.shape, len(folds)
        self.scores = {name: np.full(shape, np.nan) for name in scorers or [ERROR]}
        self.left_out = None
        if keep:
            self.left_out = [np.full((*grid.shape, len(test)), np.nan) for _, test in folds]

    def watch(self, k, i, part, problem, coefs):
        """Judge the coefficients (m, p) of fold k at the i-th ratio and some alphas."""
        test = self.folds[k][1]
        X, counts = self.rows(k)[test], self.weights[test] > 0
        seen = X if counts.all() else X[counts]
        y, weights = self.y[test][counts], self.weights[test][counts]
        for g, blended in enumerate(self._blends(i, problem, coefs)):
            outer, intercepts = problem.outer_coef(blended), problem.intercept(blended)
            predictions = (np.asarray(X @ outer.T) + intercepts).T
            if self.left_out is not None:
                self.left_out[k][i, part, g] = predictions
            found = [
                self._judge(Candidate(*one, seen, predicted), seen, y, weights)
                for *one, predicted in zip(outer, intercepts, predictions[:, counts], strict=True)
            ]
            for name, scores in self.scores.items():
                scores[i, part, g, k] = [one[name] for one in found]

    def _blends(self, i, problem, coefs):
        if self.grid.blends is None:
            return [coefs]
        relaxed = relaxed_path(problem, problem.penalty(self.grid.ratios[i]), coefs)
        return [blend(one, coefs, relaxed) for one in self.grid.blends]

    def _judge(self, candidate, X, y, weights):
        check_cancelled()
        predicted = candidate.predict(X)
        if not np.all(np.isfinite(predicted)):
            return dict.fromkeys(self.scores, np.nan)
        if not self.scorers:
            return {ERROR: -float(weights @ (y - predicted) ** 2 / weights.sum())}
        weights = weights * self.unit
        return {name: scorer(candidate, X, y, weights) for name, scorer in self.scorers.items()}

    def predictions(self):
        """Return the mean of the predictions of each left-out row, NaN for rows never left out."""
        sums, counts = np.zeros((*self.grid.shape, len(self.y))), np.zeros(len(self.y))
        for (_, test), predictions in zip(self.folds, self.left_out, strict=True):
            np.add.at(sums, (..., test), predictions)
            np.add.at(counts, test, 1)
        return sums / np.where(counts > 0, counts, np.nan)


def blend(share, coefs, relaxed):
    """Return ``share * coefs + (1 - share) * relaxed``; exactly either where the other has none.

    Between the two, whatever rounding does, and so within the bounds of both.
    """
    if share == 1.0:
        return coefs
    if share == 0.0:
        return relaxed
    mixed = share * coefs + (1.0 - share) * relaxed
    return np.clip(mixed, np.minimum(coefs, relaxed), np.maximum(coefs, relaxed))

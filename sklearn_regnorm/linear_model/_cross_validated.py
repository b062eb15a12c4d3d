"""The course of a fit that chooses its penalty along paths on all folds."""

from contextlib import suppress
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import get_tags

from .._callbacks import CallbackSupportMixin, with_callbacks
from .._threads import Workers
from .._typing import Matrix, Vector, Weights
from .._validation import (
    check_alphas,
    check_arrays,
    check_flag,
    check_number,
    check_precompute,
    check_raw,
    check_weights,
    check_X_y,
    plain,
    reading,
)
from ..solvers.active_set import count_rows, degrees_of_freedom, relaxed_path
from ..solvers.cross_validation import CrossValidation
from ..solvers.path import lasso_length, solve_path
from ..solvers.problem import prepare
from ..solvers.separate_folds import SeparateFolds
from ._base import (
    LinearRegressor,
    all_or_nothing,
    check_common,
    check_controls,
    forget,
    warn_if_unsolved,
)
from ._choice import ChoosingMixin
from ._elastic_net import publish
from ._folds import SplitterRouting
from ._grid import alpha_grid
from ._progress import follow
from ._scoring import ERROR, FoldScores, choosing_metric, weighed
from ._selection import (
    CRITERIA,
    FREEDOM_WORK,
    Grid,
    choose,
    information_criteria,
    make_table,
)
from ._setting import Setting

# Shares of the penalised coefficients that relax=True chooses from, as R's glmnet.
BLENDS = [0.0, 0.25, 0.5, 0.75, 1.0]
# Attributes that depend on parameters.
OPTIONAL = "preprocessor_", "cv_predictions_", "relaxed_coef_path_", "relaxed_intercept_path_"


class CrossValidatedRegressor(
    SplitterRouting, ChoosingMixin, CallbackSupportMixin, LinearRegressor
):
    """Chooses alpha, and the ratio, along warm-started paths on all folds at once."""

    _several_targets = False

    def _l1_ratios(self):
        raise NotImplementedError

    @all_or_nothing
    @with_callbacks
    def fit(self, X: Matrix, y: Vector, sample_weight: Weights = None, **params: Any) -> Self:
        """Choose the penalty by cross-validation and fit it to all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64. With a
            `preprocessor`, whatever that takes.
        y : array-like of shape (n_samples,)
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight 2 means the row twice, weight 0 the row left out: in the fits, in the grid and
            in the held-out errors.
        **params : dict
            Passed to the splitter, for example `groups`, if metadata routing is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter, an array or a fold is unusable; the estimator is then left as it was.
        """
        check_common(self.get_params(deep=False))
        ratios, alphas = self._check_grid()
        blends, scorers = self._check_choice()
        if self.preprocessor is None:
            X, y = check_X_y(self, X, y, multi_output=False)
        else:
            X, y = check_raw(self, X, y)
        weights, unit = check_weights(sample_weight, X.shape[0])
        folds = self._folds(X, y, weights, sample_weight, params)
        scorers = weighed(self, scorers, sample_weight)
        with Workers(self.n_jobs) as workers:
            length = lasso_length(all(ratio == 1 for ratio in ratios), alphas)
            setting = self._setting(X, y, (weights, unit), folds, workers, length)
            grid = Grid(ratios, self._alphas(setting.problem, ratios, alphas), blends)
            judge = None
            if scorers or blends is not None or self.store_predictions:
                keep = self.store_predictions
                judge = FoldScores(scorers, grid, folds, setting.rows, y, weights, unit, keep)
            progress = follow(self, setting, grid, len(folds), X, y)
            result = setting.engine.run(
                ratios,
                grid.alphas,
                tol=self.tol,
                max_iter=self.max_iter,
                early_stopping=self.early_stopping,
                watch=judge and judge.watch,
                progress=progress,
            )
            sizes = np.array([weights[test].sum() for _, test in folds])
            self._publish(setting, grid, result, judge, sizes, not isinstance(alphas, int))
        if progress is not None:
            progress.end()
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.preprocessor is not None:
            with suppress(AttributeError, TypeError, ValueError):  # not all transformers have tags
                tags.input_tags.sparse = get_tags(self.preprocessor).input_tags.sparse
        return tags

    # ------------------------------------------------------------ parameters

    def _check_grid(self):
        """Return the ratios and either the size of the automatic grid or the grid."""
        with reading("l1_ratio"):
            ratios = np.atleast_1d(plain("l1_ratio", self._l1_ratios())).astype(object)
        if ratios.ndim != 1 or len(ratios) == 0:
            raise ValueError("l1_ratio must be a number or a one-dimensional list of numbers.")
        ratios = [check_number("l1_ratio", ratio, low=0, high=1) for ratio in ratios]
        check_number("eps", self.eps, low=0, high=1, boundaries="neither")
        if isinstance(self.alphas, Integral):
            return ratios, check_number("alphas", self.alphas, low=1, integer=True)
        if isinstance(self.alphas, Real):
            raise TypeError(f"alphas={self.alphas!r} must be an integer or an array of penalties.")
        return ratios, check_alphas("alphas", self.alphas)

    def _check_choice(self):
        """Return the blends of relaxed coefficients, or None, and the scorers by name."""
        check_flag("store_predictions", self.store_predictions)
        scorers = self._check_rules()
        if isinstance(self.relax, bool | np.bool_):
            return (BLENDS if self.relax else None), scorers
        if self.relax is None or isinstance(self.relax, str | Real):  # 1 would not mean True
            raise TypeError(f"relax must be True, False or a list of shares, got {self.relax!r}.")
        blends = np.unique(check_alphas("relax", self.relax))
        if blends[-1] > 1:
            raise ValueError(f"relax holds shares between 0 and 1, got {blends[-1]}.")
        return blends.tolist(), scorers

    def _setting(self, X, y, weighting, folds, workers, length):
        """Return what is to be solved: one X for all folds, or one for each."""
        adaptive = isinstance(self.penalty_factor, str)

        def data_of(X):
            return prepare(
                X, y, *weighting, fit_intercept=self.fit_intercept, standardize=self.standardize,
                controls=check_controls(self, X.shape[1]),
            )  # fmt: skip

        if self.preprocessor is None:
            check_precompute(self.precompute, X.shape[1])
            return Setting(
                CrossValidation(data_of(X), folds, workers, length, adaptive), lambda k: X
            )
        # imported here: scikit-learn's preprocessing takes longer to import than this package
        from ._preprocessing import FoldPreprocessing, shareable

        weights = weighting[0] * weighting[1]  # as the caller has them
        made = FoldPreprocessing(self.preprocessor, X, y, weights, folds)
        if shareable(self, made):
            X = check_arrays(X, y)[0]
            data = data_of(X)
            scales = made.scales if data.kept is None else [s[data.kept] for s in made.scales]
            engine = CrossValidation(data, folds, workers, length, adaptive, scales)
            centre = made.image(engine.problem.means()[1])
            return Setting(engine, lambda k: X, made, made.scales[-1], centre)
        engine = SeparateFolds(lambda k: data_of(made.rows(k)), folds, workers, adaptive)
        return Setting(engine, made.rows, made)

    def _alphas(self, problem, ratios, alphas):
        """Return the grid of every ratio, (n_ratios, n_alphas)."""
        if isinstance(alphas, int):
            return np.stack([alpha_grid(problem, ratio, self.eps, alphas) for ratio in ratios])
        return np.tile(np.sort(alphas)[::-1], (len(ratios), 1))

    # ------------------------------------------------------------ results

    def _publish(self, setting, grid, result, judge, sizes, one_grid):
        forget(self, *OPTIONAL)
        problem = setting.problem
        scores = {ERROR: -problem.outer_gap(result.errors)[:, :, None, :]}
        if judge is not None:
            scores = judge.scores
        self.metric_ = choosing_metric(self.refit, list(scores))
        extras = self._extras(setting, grid, result)
        self.cv_table_ = make_table(grid, scores, sizes, self.fold_weighting, extras)
        row = choose(self.cv_table_, self.selection_rule, self.metric_)
        i, j, _ = grid.place(row)
        self._refine(setting, grid, result.paths[i], (i, j))
        one = len(grid.ratios) == 1
        pick = 0 if one else slice(None)
        self.alphas_ = grid.alphas[0] if one_grid else grid.alphas[pick]
        self.mse_path_ = problem.outer_gap(result.errors)[pick]
        self.dual_gap_path_ = problem.outer_gap(result.gaps)[pick]
        if judge is not None and self.store_predictions:
            left_out = np.squeeze(judge.predictions(), axis=2 if grid.blends is None else ())
            self.cv_predictions_ = left_out[pick]
        if setting.made is not None:
            self.preprocessor_ = setting.made.whole
        if grid.blends is not None:
            paths = zip(grid.ratios, result.paths, strict=True)
            ws = [relaxed_path(problem, problem.penalty(one), path.coefs) for one, path in paths]
            relaxed = setting.published(ws)
            self.relaxed_coef_path_, self.relaxed_intercept_path_ = (one[pick] for one in relaxed)
        paths = setting.published([path.coefs for path in result.paths])
        self.coef_path_, self.intercept_path_ = (one[pick] for one in paths)
        self._take(row)
        self._warn(problem, grid.alphas, result)

    def _extras(self, setting, grid, result):
        """Return the table's columns about solutions on all rows, (n_ratios, n_alphas)."""
        problem, coefs = setting.problem, [path.coefs for path in result.paths]
        counts = np.array([np.count_nonzero(w, axis=1) for w in coefs])
        unsolved = np.array([np.isnan(w).any(axis=1) for w in coefs])
        extras = {"n_nonzero": np.where(unsolved, np.nan, counts) if unsolved.any() else counts}
        freedom = np.full((*grid.shape[:2], 1), np.nan)
        if problem.penalty(1.0).unbounded:
            work = np.inf if self.selection_rule in CRITERIA else FREEDOM_WORK / len(coefs)
            freedom[:, :, 0] = [
                degrees_of_freedom(problem, problem.penalty(ratio), alphas, w, work)
                for ratio, alphas, w in zip(grid.ratios, grid.alphas, coefs, strict=True)
            ]
            freedom += bool(self.fit_intercept)
        if grid.blends is not None:  # they say nothing of relaxed coefficients
            freedom = np.where(np.array(grid.blends) == 1.0, freedom, np.nan)
        mean_square = problem.outer_gap(result.training)[:, :, None]
        n_rows = count_rows(problem, np.nanmax(freedom, initial=0.0))
        size = problem.data.total_weight, n_rows, len(problem.norm)
        extras["df"] = freedom
        extras |= information_criteria(mean_square, freedom, *size)
        extras["n_iter"] = np.array([path.n_iter for path in result.paths])
        extras["dual_gap"] = problem.outer_gap(np.array([path.gaps for path in result.paths]))
        return extras | {"fit_time": result.seconds}

    def _refine(self, setting, grid, path, place):
        """Bring the chosen solution, in `path`, to what its certificate from X asks for."""
        problem, alpha = setting.problem, float(grid.alphas[place])
        penalty = problem.penalty(grid.ratios[place[0]])
        j = place[1]
        if setting.engine.in_gram_form:  # gaps are those of the cross-products so far
            options = {"tol": self.tol, "max_iter": self.max_iter, "start": path.coefs[j]}
            final = solve_path(problem, penalty, [alpha], **options)
            path.coefs[j], path.gaps[j] = final.coefs[0], final.gaps[0]
            path.n_iter[j] += final.n_iter[0] - 1
        gap = publish(problem, penalty, alpha, path.coefs[j], path.gaps[j])[2]
        rows = (self.cv_table_["alpha"] == alpha) & (
            self.cv_table_["l1_ratio"] == grid.ratios[place[0]]
        )
        self.cv_table_["dual_gap"][rows] = gap
        self.cv_table_["n_iter"][rows] = path.n_iter[j]

    def _warn(self, problem, grids, result):
        """Warn once, about the fit if that is uncertified and else about the worst fold."""
        goal = problem.outer_gap(problem.goal(self.tol))
        if not self.dual_gap_ <= goal:
            warn_if_unsolved(self, self.alpha_, self.dual_gap_, goal, self.n_iter_)
            return
        excess = result.gaps / np.maximum(result.goals, np.finfo(np.float64).tiny)
        excess[~(result.gaps > result.goals)] = 0.0  # NaN: not computed
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        if excess[worst] > 0:
            warn_if_unsolved(
                self,
                grids[worst[:2]],
                problem.outer_gap(result.gaps[worst]),
                problem.outer_gap(result.goals[worst[2]]),
                self.max_iter,
                where=f" in fold {worst[2]} (one of {(excess > 0).sum()} such solutions)",
            )

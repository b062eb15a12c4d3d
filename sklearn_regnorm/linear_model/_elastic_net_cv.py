"""Lasso and elastic net that choose their penalty by cross-validation."""

from collections.abc import Callable
from typing import Any

from .._typing import CV, RandomState, Vector
from ._cross_validated import CrossValidatedRegressor
from ._documentation import document


@document
class ElasticNetCV(CrossValidatedRegressor):
    """Elastic net that chooses `alpha` and `l1_ratio` by cross-validation.

    Every fold, every ratio and the final fit minimise the objective of :class:`ElasticNet`. Unless
    `selection_rule` or `scoring` say otherwise, the chosen pair has the least held-out mean squared
    error, averaged over the folds.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L1 part, or several to choose from. The automatic grid for 0 is that of 1e-3.
    {eps}
    {alphas}
    {fit_intercept}
    {max_iter}
    {tol}
    {cv}
    verbose : bool or int, default=0
        Whether to print which folds and penalties have been solved.
    {n_jobs}
    {positive}
    {standardize_cv}
    {early_stopping}
    {choosing}
    {preprocessor}
    {controls}
    {relax}
    {ignored}

    Attributes
    ----------
    l1_ratio_ : float
        The chosen ratio.
    {cv_fitted}
    {fitted}

    See Also
    --------
    ElasticNet : The same at a given penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], cv=5).fit(X, y)
    >>> model.mse_path_.shape
    (3, 100, 5)
    """

    def __init__(
        self,
        *,
        l1_ratio: float | Vector = 0.5,
        eps: float = 1e-3,
        alphas: int | Vector = 100,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: CV = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        early_stopping: bool = False,
        selection_rule: str | Callable = "min",
        scoring: Any = None,
        refit: str | None = None,
        fold_weighting: str = "equal",
        store_predictions: bool = False,
        preprocessor: Any = None,
        penalty_factor: str | Vector | None = None,
        lower: float | Vector | None = None,
        upper: float | Vector | None = None,
        relax: bool | Vector = False,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.early_stopping = early_stopping
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.refit = refit
        self.fold_weighting = fold_weighting
        self.store_predictions = store_predictions
        self.preprocessor = preprocessor
        self.penalty_factor = penalty_factor
        self.lower = lower
        self.upper = upper
        self.relax = relax

    def _l1_ratios(self):
        return self.l1_ratio

    def _take(self, row):
        super()._take(row)
        self.l1_ratio_ = float(self.cv_table_["l1_ratio"][row])


@document
class LassoCV(CrossValidatedRegressor):
    """Lasso that chooses `alpha` by cross-validation.

    Every fold and the final fit minimise the objective of :class:`Lasso`. Unless `selection_rule`
    or `scoring` say otherwise, the chosen alpha has the least held-out mean squared error, averaged
    over the folds.

    Parameters
    ----------
    {eps}
    {alphas}
    {fit_intercept}
    {max_iter}
    {tol}
    {cv}
    verbose : bool or int, default=False
        Whether to print which folds and penalties have been solved.
    {n_jobs}
    {positive}
    {standardize_cv}
    {early_stopping}
    {choosing}
    {preprocessor}
    {controls}
    {relax}
    {ignored}

    Attributes
    ----------
    {cv_fitted}
    {fitted}

    See Also
    --------
    Lasso : The same at a given penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(cv=5).fit(X, y)
    >>> model.mse_path_.shape
    (100, 5)
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | Vector = 100,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: CV = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        early_stopping: bool = False,
        selection_rule: str | Callable = "min",
        scoring: Any = None,
        refit: str | None = None,
        fold_weighting: str = "equal",
        store_predictions: bool = False,
        preprocessor: Any = None,
        penalty_factor: str | Vector | None = None,
        lower: float | Vector | None = None,
        upper: float | Vector | None = None,
        relax: bool | Vector = False,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.early_stopping = early_stopping
        self.selection_rule = selection_rule
        self.scoring = scoring
        self.refit = refit
        self.fold_weighting = fold_weighting
        self.store_predictions = store_predictions
        self.preprocessor = preprocessor
        self.penalty_factor = penalty_factor
        self.lower = lower
        self.upper = upper
        self.relax = relax

    def _l1_ratios(self):
        return 1.0

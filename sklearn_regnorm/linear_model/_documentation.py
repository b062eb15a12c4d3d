"""Texts that several estimators' docstrings share, each written once."""

SHARED = {
    "fit_intercept": """fit_intercept : bool, default=True
        Whether to estimate an intercept, which is never penalised.""",
    "standardize": """standardize : bool, default=False
        Penalise the coefficients of columns scaled to unit weighted standard deviation (about the
        weighted mean, divisor the sum of the weights; a constant column keeps scale 1). The
        coefficients are reported in the original units.""",
    "standardize_cv": """standardize : bool, default=False
        Penalise the coefficients of columns scaled to unit weighted standard deviation, which is
        learnt afresh from the training rows of every fold. The coefficients are reported in the
        original units.""",
    "positive": """positive : bool, default=False
        Restrict the coefficients to be non-negative.""",
    "max_iter": """max_iter : int, default=1000
        Most sweeps of coordinate descent per value of `alpha`.""",
    "tol": """tol : float, default=1e-4
        A solution counts as converged when its duality gap is at most
        ``tol * sum v (y - m)^2 / sum v + 64 * eps * sum v y^2 / sum v``, m being the weighted
        mean of y (0 without intercept) and eps the rounding unit of X's dtype. Below 1e-12,
        solving goes on to the rounding floor. Problems small enough for one Gram matrix are
        solved to that floor whatever `tol` is.""",
    "early_stopping": """early_stopping : bool, default=False
        End the path once the mean error has clearly turned: ten penalties past its minimum, and
        two standard errors (paired, over the folds) above it. Errors, certificates and
        coefficients of the penalties beyond are NaN. Problems of up to 1000 columns are computed
        whole in any case.""",
    "ignored": """precompute, copy_X, random_state, selection
        Accepted and validated so that code written for scikit-learn runs; without effect. X is
        never copied or modified, Gram matrices are used where they pay, and coordinates are
        visited in order.""",
    "alphas": """alphas : int or array-like of shape (n_alphas,), default=100
        The grid, or its size: then it runs geometrically from the smallest alpha with all
        coefficients zero down to `eps` times that, for each ratio.""",
    "eps": """eps : float, default=1e-3
        Smallest alpha of an automatic grid, relative to its largest.""",
    "cv": """cv : int, splitter or iterable of (train, test), default=None
        How rows are split; None means 5 folds. Indices and boolean masks are both accepted.
        `groups` reach the splitter by scikit-learn's metadata routing.""",
    "n_jobs": """n_jobs : int, default=None
        Threads over which the folds are spread; None means 1 unless in a joblib context.""",
    "fitted": """intercept_ : float or ndarray of shape (n_targets,)
        The intercept.
    lambda_1_, lambda_2_ : float
        The penalties in ``loss + lambda_1 * sum |w| + lambda_2 * sum w^2``.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Certificate of the returned coefficients, computed from X and y: the objective exceeds its
        minimum by no more.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if X had them.""",
    "cv_fitted": """alpha_ : float
        The chosen penalty.
    coef_ : ndarray of shape (n_features,)
        Coefficients at the chosen penalty, on all rows.
    alphas_ : ndarray of shape (n_alphas,) or (n_ratios, n_alphas)
        The grid, decreasing. A ratio axis exists here and below if there are several ratios.
    mse_path_ : ndarray of shape ([n_ratios,] n_alphas, n_folds)
        Held-out mean squared error, weighted within each fold by `sample_weight`.
    coef_path_ : ndarray of shape ([n_ratios,] n_alphas, n_features)
        Coefficients on all rows along the grid.
    intercept_path_ : ndarray of shape ([n_ratios,] n_alphas)
        Their intercepts.
    dual_gap_path_ : ndarray of shape ([n_ratios,] n_alphas, n_folds)
        Certificate of every solution on every training side.
    n_iter_ : int
        Sweeps taken at the chosen penalty.""",
}


def document(cls):
    """Class decorator: replace each ``{name}`` in the docstring by its shared text."""
    for name, text in SHARED.items() if cls.__doc__ else ():  # python -OO strips docstrings
        cls.__doc__ = cls.__doc__.replace("{" + name + "}", text)
    return cls

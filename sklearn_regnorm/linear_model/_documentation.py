"""Texts that several estimators' docstrings share, each written once."""

from .._documentation import documenting

SHARED = {
    "fit_intercept": """fit_intercept : bool, default=True
        Whether to estimate an intercept, which is never penalised.""",
    "standardize": """standardize : bool, default=False
        Penalise the coefficients of columns scaled to unit weighted standard deviation (about the
        weighted mean, divisor the sum of the weights; a constant column keeps scale 1). The
        coefficients are reported in the original units.""",
    "controls": """penalty_factor : array-like of shape (n_features,) or "adaptive", optional
        Factors f_j >= 0 of each coefficient's penalty: ``f_j |w_j|`` and ``f_j w_j^2``. 0 means
        never penalised (of such columns, those that depend on others of them get 0), infinity that
        the column is left out. "adaptive" takes one over the
        absolute coefficients of a pilot ridge fit (the adaptive lasso), made anew for every
        training side.
    lower, upper : float or array-like of shape (n_features,), optional
        Bounds of each coefficient, ``lower <= 0 <= upper``, in the units of X also when
        standardising.""",
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
    "choosing": """selection_rule : {"min", "1se", "aic", "bic", "ebic"} or callable, default="min"
        What chooses among the penalties: the best mean score; the largest alpha, at the best
        ratio, with a score within one standard error of the best; the least information
        criterion ``N log(RSS / N) + c df`` of the fits to all rows (c = 2, log N, log N + log p;
        df the trace of the hat matrix on the active set, and one for the intercept), among those
        with a df of at most half the number of (distinct) rows; or a function that gets
        `cv_table_` and returns a row of it. `select` applies another rule afterwards.
    scoring : str, callable, list or dict of them, default=None
        Scikit-learn's scorers; None means minus the mean squared error.
    refit : str, default=None
        The metric that chooses, if `scoring` names several.
    fold_weighting : {"equal", "size"}, default="equal"
        Whether means over folds weight each by its held-out weight, as R's cv.glmnet does.
    store_predictions : bool, default=False
        Keep the predictions of left-out rows as `cv_predictions_`.""",
    "preprocessor": """preprocessor : transformer or Pipeline, default=None
        Fitted anew to the training side of every fold, and to all rows for the final fit; `predict`
        applies it. As in a Pipeline, training rows are what its `fit_transform` makes of them.
        `sample_weight` reaches it if its `fit`, or that of a Pipeline's step, takes that.""",
    "relax": """relax : bool or array-like of shape (n_blends,), default=False
        Choose also among ``s * coef + (1 - s) * least squares on the active set``, for the shares
        s given; True means 0, 0.25, 0.5, 0.75 and 1. Where nothing is left to determine the least
        squares by, they count as not computed.""",
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
        Sweeps taken at the chosen penalty.
    cv_table_ : dict of str to ndarray of shape (n_rows,)
        One row per ratio, alpha (decreasing) and, with `relax`, share; made for
        ``pandas.DataFrame(model.cv_table_)``. Keys: `alpha`, `l1_ratio`,
        `lambda_1`, `lambda_2`, `relax`;
        `mean_test_<metric>`, `std_test_<metric>`, `se_test_<metric>`, `split<k>_test_<metric>`,
        `rank_test_<metric>` of the left-out rows (greater is better; without `scoring` the metric
        is `neg_mean_squared_error`); and of the fit to all rows `n_nonzero`, `df`, `aic`, `bic`,
        `ebic` (NaN with bounds, with shares below 1, and for elastic nets where they were not
        asked for and would take long; the last three also where `df` is above half the number of
        distinct rows), `n_iter`, `dual_gap`, and `fit_time` (seconds, folds included).
    best_index_ : int
        The chosen row of `cv_table_`.
    metric_ : str
        The metric that chose.
    cv_predictions_ : ndarray of shape ([n_ratios,] n_alphas[, n_shares], n_samples)
        With `store_predictions`: the mean prediction of each row where it was left out, NaN if it
        never was.
    relaxed_coef_path_, relaxed_intercept_path_ : ndarray
        With `relax`: least squares on the active sets along the grid. `dual_gap_` is then the
        certificate of the penalised coefficients.
    preprocessor_ : transformer
        With `preprocessor`: fitted to all rows.
    coef_original_, intercept_original_ : ndarray of shape (n_features,), float
        In X's own units: those of `coef_`, unless there is a preprocessor; then only if that but
        shifts and scales (`StandardScaler`, `RobustScaler`, `MinMaxScaler`, `MaxAbsScaler`,
        `BatchNormalizer`, a Pipeline of them).""",
}

document = documenting(SHARED)

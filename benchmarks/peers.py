"""The packages: each fits a `Problem` by cross-validation and keeps its path for the certificate.

A peer is a function ``fit(problem, record) -> Fit``. Packages with a CV estimator are run through
it. The others solve one path per fold, choose the penalty by the held-out error and solve the
full-data path; their folds run one after the other, which two processes could at best halve.

This module must import without this package: adelie runs in an environment that has not got it.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .cases import EPS, N_FOLDS, Problem
from .memory import held_by


@dataclass
class Fit:
    """What a package found.

    Attributes
    ----------
    solutions : list of (rows, l1_ratio, alphas, coefs)
        For `worst_gap`; rows None is all of them. The last is the chosen model. Without `record`
        it may be the only one.
    held : int
        Bytes of the arrays that the package returned, and of the solutions kept here.
    """

    solutions: list
    held: int


# ---------------------------------------------------------------- this package


def ours(problem: Problem, record: bool, **parameters) -> Fit:
    """Fit this package's LassoCV or ElasticNetCV; `our_folds` records the folds."""
    model = _our_estimator(problem, **parameters).fit(problem.X, problem.y)
    shape = (len(problem.l1_ratios), -1, problem.X.shape[1])
    coefs = model.coef_path_.reshape(shape)
    alphas = model.alphas_.reshape(shape[:2])
    solutions = []
    for ratio, a, c in zip(problem.l1_ratios, alphas, coefs, strict=True):
        solved = np.isfinite(c[:, 0]).sum()  # an early stop leaves NaN
        solutions.append((None, ratio, a[:solved], c[:solved]))
    ratio = getattr(model, "l1_ratio_", 1.0)
    solutions.append((None, ratio, np.array([model.alpha_]), model.coef_[None]))
    return Fit(solutions, held_by(model))


def our_folds(problem: Problem, fit: Fit, *, cv=N_FOLDS, early_stopping=False, **parameters):
    """Yield the solutions on the folds, each solved once more, as weights 1 and 0.

    Fits publish the coefficients of the full-data path only, and of the folds the certificates
    (`dual_gap_path_`). With these weights a fold is the full data, and its path is published.
    """
    for train, _ in problem.folds(cv):
        weights = np.zeros(problem.y.size)
        weights[train] = 1.0
        for _, ratio, alphas, _ in fit.solutions[:-1]:
            single = Problem(problem.X, problem.y, (ratio,))
            model = _our_estimator(single, cv=[(train, train)], alphas=alphas, **parameters)
            model.fit(problem.X, problem.y, sample_weight=weights)
            yield train, ratio, model.alphas_, model.coef_path_


def our_path(problem: Problem, record: bool, **parameters) -> Fit:
    """Solve one path on all rows, of a problem that is centred."""
    from sklearn_regnorm import lasso_path

    alphas, coefs, gaps = lasso_path(problem.X, problem.y, eps=EPS, **parameters)
    return Fit([(None, 1.0, alphas, coefs.T)], held_by(alphas, coefs, gaps))


def _our_estimator(problem, cv=N_FOLDS, **parameters):
    from sklearn_regnorm import ElasticNetCV, LassoCV

    parameters = dict(cv=cv, eps=EPS, n_jobs=2) | parameters
    if problem.l1_ratios == (1.0,):
        return LassoCV(**parameters)
    return ElasticNetCV(l1_ratio=list(problem.l1_ratios), **parameters)


# ---------------------------------------------------------------- the others


def scikit_learn(problem: Problem, record: bool) -> Fit:
    """Fit scikit-learn's LassoCV or ElasticNetCV with two jobs; on demand record its fold paths."""
    from sklearn.linear_model import ElasticNetCV, LassoCV

    parameters = dict(cv=N_FOLDS, eps=EPS, n_jobs=2)
    if problem.l1_ratios == (1.0,):
        model = LassoCV(**parameters)
    else:
        model = ElasticNetCV(l1_ratio=list(problem.l1_ratios), **parameters)
    solutions = []
    if record:
        model.path = _recording(problem, model.path, solutions)
    model.fit(problem.X, problem.y)
    alphas = np.array([model.alpha_])
    solutions.append((None, getattr(model, "l1_ratio_", 1.0), alphas, model.coef_[None]))
    return Fit(solutions, held_by(model, *(one[-1] for one in solutions[:-1])))


def _recording(problem, path, solutions):
    """Return scikit-learn's path function, made to append its results to the solutions."""
    folds = problem.folds()

    def recorded(X, y, **parameters):
        alphas, coefs, *rest = result = path(X, y, **parameters)
        # threads finish in any order: know the fold by its (centred) target
        train = next(
            rows
            for rows, _ in folds
            if rows.size == y.size and np.allclose(problem.y[rows] - problem.y[rows].mean(), y)
        )
        ratio = parameters.get("l1_ratio", 1.0)
        solutions.append((train, ratio, alphas, sparse.csr_matrix(coefs.T)))
        return result

    return recorded


def celer(problem: Problem, record: bool) -> Fit:
    """Run celer_path per fold (celer's CV classes do not work with scikit-learn 1.9)."""
    from celer import celer_path

    def path(X, y, alphas, l1_ratio):
        means = np.asarray(X.mean(axis=0)).ravel()
        parameters = dict(pb="lasso", alphas=alphas, l1_ratio=l1_ratio, tol=1e-4)
        if sparse.issparse(X):
            parameters |= dict(X_offset=means, X_scale=np.ones_like(means))
        else:
            X = np.asfortranarray(X - means)
        coefs = celer_path(X, y - y.mean(), **parameters)[1].T
        return coefs, y.mean() - coefs @ means

    return _per_fold(problem, path, record)


def skglm(problem: Problem, record: bool) -> Fit:
    """Run skglm's AndersonCD path per fold."""
    from skglm.datafits import Quadratic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import AndersonCD
    from skglm.utils.jit_compilation import compiled_clone

    datafit = compiled_clone(Quadratic())

    def path(X, y, alphas, l1_ratio):
        penalty = L1(1.0) if l1_ratio == 1.0 else L1_plus_L2(1.0, l1_ratio)
        # skglm stops by the largest violation of the optimality conditions, not by the gap
        solver = AndersonCD(tol=SKGLM_TOL * alphas[0] * l1_ratio, fit_intercept=True)
        X = X if sparse.issparse(X) else np.asfortranarray(X)
        coefs = solver.path(X, y, datafit, compiled_clone(penalty), alphas)[1].T
        return coefs[:, :-1], coefs[:, -1]

    return _per_fold(problem, path, record)


SKGLM_TOL = 2e-5


def adelie(problem: Problem, record: bool) -> Fit:
    """Run adelie's path per fold (adelie needs numpy < 2)."""
    import adelie as package

    def path(X, y, alphas, l1_ratio):
        if sparse.issparse(X):
            X = package.matrix.sparse(X, method="naive", n_threads=2)
        else:
            X = package.matrix.dense(np.asfortranarray(X), method="naive", n_threads=2)
        state = package.grpnet(
            X,
            package.glm.gaussian(y),
            alpha=l1_ratio,
            lmda_path=alphas,
            early_exit=False,
            progress_bar=False,
            n_threads=2,
        )
        return state.betas.toarray(), np.asarray(state.intercepts)

    return _per_fold(problem, path, record)


def _per_fold(problem, path, record):
    """Cross-validate with a path function, as a CV estimator would."""
    solutions, best = [], (np.inf, None, None)
    for ratio in problem.l1_ratios:
        alphas = problem.alphas(ratio)
        errors = np.zeros(alphas.size)
        for train, test in problem.folds():
            coefs, intercepts = path(problem.X[train], problem.y[train], alphas, ratio)
            predicted = problem.X[test] @ coefs.T + intercepts
            errors += ((problem.y[test, None] - predicted) ** 2).mean(axis=0) / N_FOLDS
            if record:
                solutions.append((train, ratio, alphas, sparse.csr_matrix(coefs)))
        best = min(best, (errors.min(), ratio, alphas[errors.argmin()]), key=lambda b: b[0])
    _, ratio, alpha = best
    held = held_by(coefs, *(one[-1] for one in solutions))
    alphas = np.array([alpha])
    solutions.append((None, ratio, alphas, path(problem.X, problem.y, alphas, ratio)[0]))
    return Fit(solutions, held)


#: name -> (module to import, fit function); the first is what the others are compared with
PEERS = {
    "ours": ("sklearn_regnorm", ours),
    "scikit-learn": ("sklearn", scikit_learn),
    "celer": ("celer", celer),
    "skglm": ("skglm", skglm),
    "adelie": ("adelie", adelie),
}


def fit(peer: str, problem: Problem, record: bool, **parameters) -> Fit:
    """Fit the problem with the named peer or "ours-path", without the warnings of any package."""
    function = our_path if peer == "ours-path" else PEERS[peer][1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(problem, record, **parameters)


def version(peer: str) -> str:
    """Return the version of a package that has been run."""
    module = PEERS["ours" if peer == "ours-path" else peer][0]
    return getattr(sys.modules[module], "__version__", "unknown")

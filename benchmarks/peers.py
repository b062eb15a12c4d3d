"""The packages: each fits a `Problem` by cross-validation and keeps its path for the certificate.

A peer is a function ``fit(problem) -> solutions``. The solutions are tuples ``(rows, l1_ratio,
alphas, coefs)`` with rows None for all of them, the last being the chosen model; `worst_gap`
recomputes what each is worth.

Packages with a CV estimator are run through it. The others solve one path per fold, choose the
penalty by the mean held-out error and solve once more for it with all rows; their folds run one
after the other, which two processes could at best halve.
"""

import warnings

import numpy as np
from scipy import sparse

from .cases import EPS, N_FOLDS, Problem


def ours(problem: Problem):
    """Fit this package's LassoCV or ElasticNetCV."""
    model = _our_estimator(problem).fit(problem.X, problem.y)
    shape = (len(problem.l1_ratios), -1, problem.X.shape[1])
    coefs = model.coef_path_.reshape(shape)
    alphas = model.alphas_.reshape(shape[:2])
    paths = [
        (None, ratio, a, c) for ratio, a, c in zip(problem.l1_ratios, alphas, coefs, strict=True)
    ]
    ratio = getattr(model, "l1_ratio_", 1.0)
    return [*paths, (None, ratio, np.array([model.alpha_]), model.coef_[None])]


def our_first_fold(problem: Problem):
    """Solve the first fold once more, where its coefficients can be seen: as weights 1 and 0.

    Fits publish the coefficients of the full-data path only, and of the folds the certificates
    (`dual_gap_path_`).
    """
    train, _ = problem.folds[0]
    weights = np.zeros(problem.y.size)
    weights[train] = 1.0
    solutions = []
    for ratio in problem.l1_ratios:
        single = Problem(problem.X, problem.y, (ratio,))
        model = _our_estimator(single, cv=[(train, train)], alphas=problem.alphas(ratio))
        model.fit(problem.X, problem.y, sample_weight=weights)
        solutions.append((train, ratio, model.alphas_, model.coef_path_))
    return solutions


def _our_estimator(problem, cv=N_FOLDS, **parameters):
    from sklearn_regnorm import ElasticNetCV, LassoCV

    parameters = dict(cv=cv, eps=EPS, n_jobs=2) | parameters
    if problem.l1_ratios == (1.0,):
        return LassoCV(**parameters)
    return ElasticNetCV(l1_ratio=list(problem.l1_ratios), **parameters)


def scikit_learn(problem: Problem):
    """Fit scikit-learn's LassoCV or ElasticNetCV with two jobs, and record its fold paths."""
    from sklearn.linear_model import ElasticNetCV, LassoCV, enet_path, lasso_path

    folds, solutions = problem.folds, []

    def recording(path):
        def recorded(X, y, **parameters):
            alphas, coefs, *rest = result = path(X, y, **parameters)
            # threads finish in any order: know the fold by its (centred) target
            train = next(
                rows
                for rows, _ in folds
                if rows.size == y.size and np.allclose(problem.y[rows] - problem.y[rows].mean(), y)
            )
            solutions.append(
                (train, parameters.get("l1_ratio", 1.0), alphas, sparse.csr_matrix(coefs.T))
            )
            return result

        return staticmethod(recorded)

    parameters = dict(cv=N_FOLDS, eps=EPS, n_jobs=2)
    if problem.l1_ratios == (1.0,):
        model = type("RecordedLassoCV", (LassoCV,), {"path": recording(lasso_path)})(**parameters)
    else:
        model = type("RecordedElasticNetCV", (ElasticNetCV,), {"path": recording(enet_path)})(
            l1_ratio=list(problem.l1_ratios), **parameters
        )
    model.fit(problem.X, problem.y)
    alphas = np.array([model.alpha_])
    solutions.append((None, getattr(model, "l1_ratio_", 1.0), alphas, model.coef_[None]))
    return solutions


def celer(problem: Problem):
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

    return _per_fold(problem, path)


def skglm(problem: Problem):
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

    return _per_fold(problem, path)


SKGLM_TOL = 2e-5


def adelie(problem: Problem):
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

    return _per_fold(problem, path)


def _per_fold(problem, path):
    """Cross-validate with a path function, as a CV estimator would."""
    solutions, best = [], (np.inf, None, None)
    for ratio in problem.l1_ratios:
        alphas = problem.alphas(ratio)
        errors = np.zeros(alphas.size)
        for train, test in problem.folds:
            coefs, intercepts = path(problem.X[train], problem.y[train], alphas, ratio)
            predicted = problem.X[test] @ coefs.T + intercepts
            errors += ((problem.y[test, None] - predicted) ** 2).mean(axis=0) / N_FOLDS
            solutions.append((train, ratio, alphas, sparse.csr_matrix(coefs)))
        best = min(best, (errors.min(), ratio, alphas[errors.argmin()]), key=lambda b: b[0])
    _, ratio, alpha = best
    alphas = np.array([alpha])
    solutions.append((None, ratio, alphas, path(problem.X, problem.y, alphas, ratio)[0]))
    return solutions


#: name -> (module to import, fit function); the first is what the others are compared with
PEERS = {
    "ours": ("sklearn_regnorm", ours),
    "scikit-learn": ("sklearn", scikit_learn),
    "celer": ("celer", celer),
    "skglm": ("skglm", skglm),
    "adelie": ("adelie", adelie),
}


def fit(peer: str, problem: Problem):
    """Fit the problem with the named peer, without the warnings of any package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PEERS[peer][1](problem)

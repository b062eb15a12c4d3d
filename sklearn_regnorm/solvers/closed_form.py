"""Ridge without coordinate descent: Cholesky, QR, spectrum, conjugate gradients.

Solves ``min 1/2 sum v (y - X w)^2 + alpha/2 sum d_j w_j^2`` for several targets and one alpha
after the other, v summing to one, columns centred. With alpha = 0 and dependent columns the
solution of least norm is returned.

Every method is a *corrector*: a function of (coefs, residuals, correlations) that returns better
coefficients. `RidgeSolver` starts each at zero and repeats it while the optimality conditions,
computed from X, are not met. "auto" climbs a ladder until they are:

1. Cholesky of the smaller Gram matrix, if its pivots promise enough digits;
2. the spectrum of X, or of the smaller Gram matrix if X is large, which for tiny alphas keeps to
   the space that the rows span;
3. up to GRAM_COLUMNS columns, QR of the columns of [sqrt(V) X; sqrt(alpha D)] scaled to length
   one (`orthogonal`): no condition number and no units of columns are too bad for it;
4. conjugate gradients, where no dense matrix of that order should be factorised.
"""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg

from .._statistics import BLOCK_ENTRIES
from .._threads import check_cancelled
from . import kernels
from .gram import GRAM_COLUMNS
from .orthogonal import correctors_by_qr

# Rows or columns up to which a dense matrix of that order is factorised for sparse X.
FACTOR_LIMIT = 3000
# Entries up to which a dense X is copied for a decomposition.
COPY_LIMIT = 10**7
# Squared pivots of an equilibrated Gram matrix below it have lost too many digits to trust.
SOUND_PIVOT = 1e-5
# A column is weak if its share of the sum of its square and its penalty, times p, is below.
WEAK = 1e-2
# Worst violation, in the units of `kernels.worst_violation`, that needs no other method.
ACCEPTED = 4.0


class RidgeSolver:
    """One weighting of one X, factorised once for all alphas and targets as far as possible.

    Parameters
    ----------
    problems : list of Problem
        One per target, with the same weights.
    penalty : Penalty
        Only its l2 part, d, is read.
    method : {"auto", "cholesky", "svd", "sparse_cg"}
    max_iter : int, optional
        Most steps of conjugate gradients.

    Attributes
    ----------
    unit : float
        The least square root of d of a column that is not constant.
    shape : ndarray of shape (p,)
        The square roots of d in that unit.
    """

    def __init__(self, problems, penalty, method="auto", max_iter=None):
        self.problem = problems[0]
        self.penalty = penalty
        self.max_iter = max_iter
        self.Y = np.stack([problem.y for problem in problems], axis=1)
        self.null = np.array([problem.yy for problem in problems])
        self.q = self.problem.correlate(self.Y)
        self.root_d = np.sqrt(penalty.l2)
        live = self.root_d[self.problem.norm > 0]
        # of the column penalised least, so that no product of columns over shapes overflows
        self.unit = float(live.min()) if len(live) else 1.0
        self.shape = self.root_d / self.unit
        self.rows = np.flatnonzero(self.problem.weights)
        n, p = len(self.rows), len(self.root_d)
        # the rank is known to be that of the rows: coefficients should not leave their space
        self.tall = n - bool(self.problem.data.fit_intercept) >= p
        self.factorable = min(n, p) <= FACTOR_LIMIT
        is_sparse = self.problem.design.sparse
        if method == "auto" and is_sparse and not self.factorable:
            method = "sparse_cg"
        self.method = method
        # a copy of X no larger than a block may be dense whatever X is
        self.may_copy = n * p <= (BLOCK_ENTRIES if is_sparse else COPY_LIMIT)
        self.steps = 1
        self._factors = {}

    def remember(self, name, make):
        """Return what make() returned when this was first asked for by `name`."""
        if name not in self._factors:
            self._factors[name] = make()
        return self._factors[name]

    def solve(self, alpha):
        """Return the coefficients (n_targets, p) at one alpha, and the iterations they took."""
        self.steps = 1
        best, least = np.zeros(self.q.T.shape), np.inf
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ridge = np.sqrt(alpha) * self.root_d
            for corrector in self._correctors(ridge):
                coefs, worst = self._repeat(alpha, ridge, corrector)
                if worst < least:
                    best, least = coefs, worst
                if worst <= ACCEPTED:
                    break
        best[:, self.problem.norm == 0] = 0.0
        return best, self.steps

    def _correctors(self, ridge):
        """Yield the correctors of `method`, for ``ridge = sqrt(alpha d)``."""
        if self.method == "sparse_cg":
            yield self._conjugate_gradients(ridge)
            return
        if self.method == "svd":
            yield self._by_spectrum(ridge)
            return
        order = min(len(self.rows), len(self.root_d))
        solve = self._cholesky(ridge, SOUND_PIVOT if self.factorable else order * kernels.EPS)
        if solve is not None:
            yield self._by_columns(solve, ridge) if self.tall else self._by_rows(solve, ridge)
        few = len(self.root_d) <= GRAM_COLUMNS
        if self.may_copy or (self.factorable and not few):
            yield self._by_spectrum(ridge)
        if few:
            yield from correctors_by_qr(self, ridge)
        yield self._conjugate_gradients(ridge)

    # ------------------------------------------------------------ optimality

    def _repeat(self, alpha, ridge, corrector, rounds=4):
        """Apply a corrector a few times, from zero; return the best result and its violation."""
        coefs, R, g = np.zeros(self.q.T.shape), self.Y, self.q
        best, least = coefs, np.inf
        for _ in range(rounds):
            coefs = corrector(coefs, R, g)
            R, g, worst = self._check(alpha, coefs)
            if 1.0 < worst < np.inf:
                coefs = self._settle(ridge, coefs, g)
                R, g, worst = self._check(alpha, coefs)
            if worst < least:
                best, least = coefs, worst
            if not 1.0 < worst < np.inf:
                break
        return best, least

    def _check(self, alpha, coefs):
        """Return residuals, correlations, and the worst KKT violation over the targets.

        It is infinite where P exceeds that of zero: coefficients so large that what is left of the
        conditions seems to be their rounding.
        """
        problem = self.problem
        R = self.Y - (problem.design.times(coefs.T) - problem.mean @ coefs.T)
        rr = problem.weights @ (R * R)
        if not np.isfinite(rr).all():
            return R, self.q, np.inf
        g = np.asfortranarray(problem.correlate(R))
        l2 = self.penalty.at(alpha)[1]
        if np.any(rr + (coefs * coefs) @ l2 > self.null * (1.0 + 64.0 * kernels.EPS)):
            return R, g, np.inf
        free = np.full(len(l2), np.inf)
        terms = np.zeros(len(l2)), l2, -free, free, problem.norm
        worst = [kernels.worst_violation(w, g[:, t], *terms, rr[t]) for t, w in enumerate(coefs)]
        return R, g, max(worst)

    def _settle(self, ridge, coefs, g):
        """Solve for the columns that their penalty dwarfs and that hardly interact.

        A method whose error is relative to the largest column leaves theirs undetermined.
        """
        norm = self.problem.norm
        weak = (norm / ridge) ** 2 * len(norm) < WEAK
        norm, ridge = norm[weak], ridge[weak]
        share = (norm / ridge) ** 2
        coefs = coefs.copy()
        coefs[:, weak] = (g[weak].T / ridge / ridge + share * coefs[:, weak]) / (1.0 + share)
        return coefs

    # ------------------------------------------------------------ the normal equations

    def _by_columns(self, solve, ridge):
        """Return a corrector from ``solve(b)``, which applies the inverse of X'VX + ridge^2."""
        ridge = ridge[:, None]
        return lambda coefs, R, g: coefs + solve(g - ridge * (ridge * coefs.T)).T

    def _by_rows(self, solve, ridge):
        """Return a corrector from the inverse of sqrt(V) X D^-1 X' sqrt(V) + alpha, D = shape^2.

        It corrects the dual solution u, of which the coefficients are ``D^-1 X' sqrt(V) u``.
        """
        problem, rows = self.problem, self.rows
        root = np.sqrt(problem.weights[rows])[:, None]
        shift = (ridge / self.shape)[0]
        u = np.zeros((len(rows), self.Y.shape[1]))

        def corrector(coefs, R, g):
            u[:] += solve(root * R[rows] - shift * (shift * u))
            dual = np.zeros_like(R)
            dual[rows] = u / root
            return (problem.correlate(dual) / (self.shape * self.shape)[:, None]).T

        return corrector

    def matrix(self):
        """Return the smaller Gram matrix: X'VX, or sqrt(V) X D^-1 X' sqrt(V) for wide X."""
        return self.remember(
            "matrix", lambda: self.problem.gram()[0] if self.tall else self._row_gram()
        )

    def _row_gram(self):
        """Return the matrix between the rows that count, column block by column block."""
        problem, rows = self.problem, self.rows
        root = np.sqrt(problem.weights[rows])
        if problem.design.sparse:
            X = problem.design.X[rows] @ sparse.diags_array(1.0 / self.shape)
            mean = problem.mean / self.shape
            side = X @ mean
            K = (X @ X.T).toarray() - side[:, None] - side + mean @ mean
            return K * root[:, None] * root
        K = 0.0
        p = problem.design.shape[1]
        for start in range(0, p, 256):
            check_cancelled()
            columns = np.arange(start, min(start + 256, p))
            block = problem.design.gather(columns)[rows] - problem.mean[columns]
            block *= root[:, None] / self.shape[columns]
            K = K + block @ block.T
        return K

    def _cholesky(self, ridge, least):
        """Return b -> matrix^-1 b, shifted by the penalty; None if a squared pivot is < least."""
        matrix = self.matrix()
        diagonal = np.sqrt(np.diagonal(matrix))
        size = np.hypot(diagonal, ridge if self.tall else (ridge / self.shape)[0])
        size = np.where(size > 0, size, 1.0)
        scaled = matrix / size / size[:, None]
        np.fill_diagonal(scaled, 1.0)
        try:
            factor = linalg.cho_factor(scaled, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        if not np.diagonal(factor[0]).min() ** 2 >= least:
            return None
        size = size[:, None]
        return lambda b: linalg.cho_solve(factor, b / size, check_finite=False) / size

    # ------------------------------------------------------------ the spectrum

    def spectrum(self):
        """Return (U, s, V) with sqrt(V) X D^-1/2 = U s V', without what is mere rounding.

        From the smaller Gram matrix if X is sparse or large; the larger of U and V is then None.
        """
        return self.remember("spectrum", self._decompose)

    def _decompose(self):
        n, p = len(self.rows), len(self.root_d)
        rounding = max(n, p) * kernels.EPS
        if self.may_copy or self.method == "svd":
            U, s, Vt = linalg.svd(self._copy() / self.shape, full_matrices=False)
            kept = s > rounding * s[:1].max(initial=0.0)
            kept[n - bool(self.problem.data.fit_intercept) :] = False
            return U[:, kept], s[kept], Vt[kept].T
        matrix = self.matrix()
        if self.tall:
            matrix = matrix / self.shape / self.shape[:, None]
        squares, Q = linalg.eigh(matrix)
        kept = squares > rounding * squares[-1:].max(initial=0.0)
        s, Q = np.sqrt(squares[kept]), Q[:, kept]
        return (None, s, Q) if self.tall else (Q, s, None)

    def _copy(self):
        """Return sqrt(V) X, centred, over the rows that count."""
        problem, rows = self.problem, self.rows
        Z = problem.design.gather(np.arange(len(self.root_d)))[rows] - problem.mean
        return Z * np.sqrt(problem.weights[rows])[:, None]

    def _by_spectrum(self, ridge):
        U, s, V = self.spectrum()
        alpha = (ridge / self.shape)[0] ** 2
        squares = (s * s + alpha)[:, None]
        if V is None:
            return self._by_rows(lambda b: U @ ((U.T @ b) / squares), ridge)
        shape = self.shape[:, None]
        if U is None:
            return self._by_columns(lambda b: V @ ((V.T @ (b / shape)) / squares) / shape, ridge)
        root = np.sqrt(self.problem.weights[self.rows])[:, None]

        def corrector(coefs, R, g):
            inner = s[:, None] * (U.T @ (root * R[self.rows])) - alpha * (V.T @ (shape * coefs.T))
            return coefs + (V @ (inner / squares) / shape).T

        return corrector

    def largest_square(self):
        """Return the largest squared singular value of sqrt(V) X D^-1/2, one if X is constant."""
        if not self.factorable:
            return self._power_iteration()
        matrix = self.matrix()
        if self.tall:
            matrix = matrix / self.shape / self.shape[:, None]
        top = len(matrix) - 1
        largest = linalg.eigvalsh(matrix, subset_by_index=[top, top])[0]
        return float(largest / self.unit**2) if largest > 0 else 1.0

    def _power_iteration(self):
        problem, w, square = self.problem, self.problem.norm / self.shape, 0.0
        for _ in range(100):  # a grid needs two digits
            before, square = square, np.linalg.norm(w)
            if square == 0:
                return 1.0
            if abs(square - before) <= 1e-6 * square:
                break
            w = w / square / self.shape
            w = problem.correlate(problem.design.times(w) - problem.mean @ w) / self.shape
        return float(square / self.unit**2)

    # ------------------------------------------------------------ conjugate gradients

    def _conjugate_gradients(self, ridge):
        """Return a corrector by conjugate gradients, preconditioned by the diagonal."""
        problem = self.problem
        p = problem.design.shape[1]

        def apply(w):
            used = problem.design.times(w) - problem.mean @ w
            return problem.correlate(used) + ridge * (ridge * w)

        diagonal = np.hypot(problem.norm, ridge) ** 2
        # without a penalty, the solution of least norm is that of the plain iteration
        inverse = np.ones(p) if not ridge.any() else 1.0 / np.where(diagonal > 0, diagonal, 1.0)
        operator = LinearOperator((p, p), apply, dtype=np.float64)
        preconditioner = LinearOperator((p, p), lambda w: inverse * w, dtype=np.float64)
        limit = self.max_iter or 10 * min(problem.design.shape)

        def corrector(coefs, R, g):
            right = g - ridge[:, None] * (ridge[:, None] * coefs.T)
            found = np.empty_like(coefs)
            for target, b in enumerate(right.T):
                count = []
                found[target], _ = cg(
                    operator, b, rtol=1e-13, maxiter=limit, M=preconditioner,
                    callback=count.append,
                )  # fmt: skip
                self.steps = max(self.steps, len(count))
            return coefs + found

        return corrector

"""Ridge without iterations: Cholesky on the smaller Gram, SVD, and conjugate gradients.

Solves ``min 1/2 sum v (y - X w)^2 + alpha/2 sum d_j w_j^2`` for a grid of alphas and several
targets at once, v summing to one, columns centred. With alpha = 0 and dependent columns the
solution of least norm is returned.
"""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg

from .._statistics import BLOCK_ENTRIES
from . import kernels
from .gram import GRAM_COLUMNS, refine, solve_gram

# Rows or columns up to which a dense matrix of that order is factorised for sparse X.
FACTOR_LIMIT = 3000
# Entries up to which an ill-conditioned problem is solved again by a decomposition of X itself.
COPY_LIMIT = 10**7
# Squared pivots of an equilibrated Gram matrix below it have lost too many digits to trust.
SOUND_PIVOT = 1e-5
# Most sweeps of coordinate descent where factorisations have failed.
DESCENT_SWEEPS = 10**5


class RidgeSolver:
    """One weighting of one X, factorised once for all alphas and targets as far as possible.

    Parameters
    ----------
    problems : list of Problem
        One per target, with the same weights.
    penalty : Penalty
        Only its l2 part, d, is read.
    method : {"auto", "cholesky", "svd", "sparse_cg"}
    """

    def __init__(self, problems, penalty, method="auto", max_iter=None):
        self.problems = problems
        self.problem = problems[0]
        self.penalty = penalty
        self.Y = np.stack([problem.y for problem in problems], axis=1)
        # d about one, its unit going into alpha: both stay finite for columns as small as 1e-150
        self.unit = float(np.sort(penalty.l2)[len(penalty.l2) // 2])
        with np.errstate(over="ignore"):
            self.d = np.clip(penalty.l2 / self.unit, 1.0 / kernels.HUGE, kernels.HUGE)
        self.max_iter = max_iter
        self.rows = np.flatnonzero(self.problem.weights)
        self.tall = len(self.rows) >= self.problem.design.shape[1]
        self.q = self.problem.correlate(self.Y)
        order = min(len(self.rows), self.problem.design.shape[1])
        if method == "auto" and self.problem.design.sparse and order > FACTOR_LIMIT:
            method = "sparse_cg"
        self.method = method
        # a copy of X no larger than a block may be dense whatever X is
        entries = len(self.rows) * len(self.d)
        self.may_copy = entries <= (BLOCK_ENTRIES if problems[0].design.sparse else COPY_LIMIT)
        self._factors = {}

    def solve(self, alpha):
        """Return the coefficients (n_targets, p) at one alpha, and the iterations they took."""
        with np.errstate(over="ignore"):
            inner = float(np.minimum(alpha * self.unit, kernels.HUGE / 2 / self.d.max()))
        if self.method == "sparse_cg":
            coefs, steps = self._conjugate_gradients(inner)
        elif self.method == "svd":
            coefs, steps = self._svd(inner), 1
        else:
            coefs, steps = self._best(inner, alpha), 1
        coefs[:, self.problem.norm == 0] = 0.0
        return coefs, steps

    def _best(self, inner, alpha):
        """Return the Cholesky solution if its optimality conditions hold, or else what is best."""
        n, p = len(self.rows), len(self.d)
        affordable = self.may_copy or (self.problem.design.sparse and min(n, p) <= FACTOR_LIMIT)
        coefs = self._cholesky(inner, SOUND_PIVOT if affordable else min(n, p) * kernels.EPS)
        if coefs is not None and self._refine(inner, coefs):
            return coefs
        candidates = [] if coefs is None else [coefs]
        if affordable:
            candidates.append(self._least_norm() if alpha == 0 else self._spectral(inner))
            if self._worst(inner, candidates[-1])[0] <= 16.0:  # 64 rounding units
                return candidates[-1]
        if p <= GRAM_COLUMNS:
            candidates.append(self._descend(alpha))
        elif not candidates:
            candidates.append(self._conjugate_gradients(inner)[0])
        return min(candidates, key=lambda one: self._worst(inner, one)[0])

    def _descend(self, alpha):
        """Solve in Gram form, which reaches the rounding floor whatever the condition number."""
        coefs = np.zeros(self.q.T.shape)
        for t, problem in enumerate(self.problems):
            path = solve_gram(
                *problem.gram(), problem.yy, self.penalty, np.array([alpha]), DESCENT_SWEEPS
            )
            coefs[t] = refine(problem, self.penalty, alpha, path.coefs[0], DESCENT_SWEEPS)[0]
        return coefs

    def largest_square(self):
        """Return the largest squared singular value of sqrt(V) X D^-1/2, one if X is constant."""
        scale = 1.0 / np.sqrt(self.d)
        if self.method == "sparse_cg":
            w = self.problem.norm * scale  # power iteration: a grid needs two digits
            square = 0.0
            for _ in range(100):
                size = np.linalg.norm(w)
                if size == 0:
                    return 1.0
                before, square = square, size
                w = w / size * scale
                used = self.problem.design.times(w) - self.problem.mean @ w
                w = scale * self.problem.correlate(used)
                if abs(square - before) <= 1e-6 * square:
                    break
            return float(square / self.unit)
        matrix = self.matrix()
        if self.tall:
            matrix = matrix * scale * scale[:, None]
        top = len(matrix) - 1
        largest = linalg.eigvalsh(matrix, subset_by_index=[top, top])[0]
        return float(largest / self.unit) if largest > 0 else 1.0

    # ------------------------------------------------------------ Cholesky

    def matrix(self):
        """Return the smaller Gram matrix: X'VX, or for wide X the one between rows."""
        if "matrix" not in self._factors:
            problem = self.problem
            if self.tall:
                self._factors["matrix"] = problem.gram()[0]
            else:
                self._factors["matrix"] = self._row_gram(self.d)
        return self._factors["matrix"]

    def _row_gram(self, d):
        """Return sqrt(V) X D^-1 X' sqrt(V) over the rows that count, column block by block."""
        problem, rows = self.problem, self.rows
        root = np.sqrt(problem.weights[rows])
        if problem.design.sparse:
            X = problem.design.X[rows]
            scaled = X @ sparse.diags_array(1.0 / d)
            side = scaled @ problem.mean
            K = (scaled @ X.T).toarray() - side[:, None] - side
            K += (problem.mean**2 / d).sum()
            return K * root[:, None] * root
        K = 0.0
        p = problem.design.shape[1]
        for start in range(0, p, 256):
            columns = np.arange(start, min(start + 256, p))
            block = problem.design.gather(columns)[rows] - problem.mean[columns]
            block *= root[:, None] / np.sqrt(d[columns])
            K = K + block @ block.T
        return K

    def _cholesky(self, alpha, least):
        """Return the solution (n_targets, p), or None if a squared pivot is below `least`."""
        matrix = self.matrix()
        shift = alpha * (self.d if self.tall else np.ones(len(matrix)))
        diagonal = np.diagonal(matrix) + shift
        zero = diagonal <= 0
        scale = 1.0 / np.sqrt(np.where(zero, 1.0, diagonal))
        scaled = matrix * scale[:, None] * scale
        np.fill_diagonal(scaled, 1.0)
        try:
            factor = linalg.cho_factor(scaled, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        pivots = np.diagonal(factor[0])
        if pivots.min() ** 2 < least:
            return None
        self._factors["solve"] = lambda b: (
            scale[:, None] * linalg.cho_solve(factor, scale[:, None] * b, check_finite=False)
        )
        if self.tall:
            return self._factors["solve"](self.q).T
        problem, root = self.problem, np.sqrt(self.problem.weights[self.rows])[:, None]
        dual = np.zeros_like(self.Y)
        dual[self.rows] = self._factors["solve"](root * self.Y[self.rows]) / root
        return problem.correlate(dual).T / self.d

    def _refine(self, alpha, coefs, rounds=3):
        """Correct `coefs` in place by residuals computed from X; return whether KKT holds."""
        worst, g = self._worst(alpha, coefs)
        for _ in range(rounds):
            if worst <= 1.0:
                break
            if not self.tall:  # there is no factor of X'VX to correct by
                self._settle(alpha, coefs, g)
            else:
                coefs += self._factors["solve"](g - (alpha * self.d)[:, None] * coefs.T).T
            worst, g = self._worst(alpha, coefs)
        return worst <= 4.0

    def _settle(self, alpha, coefs, g):
        """Solve, in place, for the columns that their penalty dwarfs and that hardly interact.

        A method whose error is relative to the largest column leaves theirs undetermined.
        """
        square, ridge = self.problem.norm**2, alpha * self.d
        weak = square * len(square) < 1e-2 * ridge
        square, ridge = square[weak], ridge[weak]
        coefs[:, weak] = (g[weak].T + square * coefs[:, weak]) / (square + ridge)

    def _worst(self, alpha, coefs):
        """Return the worst KKT violation over the targets, and the correlations (p, n_targets)."""
        problem = self.problem
        R = self.Y - (problem.design.times(coefs.T) - problem.mean @ coefs.T)
        g = np.asfortranarray(problem.correlate(R))
        rr = problem.weights @ (R * R)
        free = np.full(len(self.d), np.inf)
        terms = 0.0 * self.d, alpha * self.d, -free, free, problem.norm
        worst = max(kernels.worst_violation(w, g[:, t], *terms, rr[t]) for t, w in enumerate(coefs))
        return worst, g

    # ------------------------------------------------------------ decompositions of X itself

    def above_rounding(self, s):
        """Return which of the decreasing singular values of sqrt(V) X are not mere rounding."""
        above = s > max(len(self.rows), len(self.d)) * kernels.EPS * s[:1].max(initial=0.0)
        above[len(self.rows) - bool(self.problem.data.fit_intercept) :] = False
        return above

    def weighted_copy(self):
        """Return sqrt(V) X, centred, and sqrt(V) Y over the rows that count."""
        if "copy" not in self._factors:
            problem = self.problem
            root = np.sqrt(problem.weights[self.rows])[:, None]
            Z = problem.design.gather(np.arange(len(self.d)))[self.rows] - problem.mean
            self._factors["copy"] = Z * root, root * self.Y[self.rows]
        return self._factors["copy"]

    def _svd(self, alpha):
        return self._least_norm() if alpha == 0 else self._spectral(alpha)

    def _spectral(self, alpha):
        """Return the ridge solution from the spectrum of X D^-1/2, zero beyond its rounding."""
        problem, root_d = self.problem, np.sqrt(self.d)
        root = np.sqrt(problem.weights[self.rows])[:, None]
        if "spectrum" not in self._factors:
            self._factors["spectrum"] = self._spectrum(root_d)
        U, squares, V = self._factors["spectrum"]
        if V is None:
            dual = np.zeros_like(self.Y)
            inner = (U.T @ (root * self.Y[self.rows])) / (squares + alpha)[:, None]
            dual[self.rows] = U @ inner / root
            return problem.correlate(dual).T / self.d
        inner = V.T @ (self.q / root_d[:, None])
        if U is not None:
            inner = np.sqrt(squares)[:, None] * (U.T @ (root * self.Y[self.rows]))
        return (V @ (inner / (squares + alpha)[:, None])).T / root_d

    def _spectrum(self, root_d):
        """Return (U, s^2, V): an SVD of dense X; of sparse X an eigenbasis of the smaller Gram."""
        if self.may_copy or not self.problem.design.sparse:
            U, s, Vt = linalg.svd(self.weighted_copy()[0] / root_d, full_matrices=False)
            kept = self.above_rounding(s)
            return U[:, kept], s[kept] ** 2, Vt[kept].T
        matrix = self.matrix()
        if self.tall:
            matrix = matrix / root_d / root_d[:, None]
        squares, Q = linalg.eigh(matrix)
        kept = squares > len(squares) * kernels.EPS * squares[-1]
        sides = (None, squares[kept], Q[:, kept])
        return sides if self.tall else sides[::-1]

    def _least_norm(self, rounds=3):
        """Return the least-squares solutions (n_targets, p) with the least sum of d w^2.

        The solution for the residual is added a few times: the pseudo-inverse of an
        ill-conditioned Gram matrix alone has too few digits. Where the units of the columns differ
        so much that the shortest solution loses the fit, it is the shortest on columns of unit
        length instead.
        """
        solutions = []
        for shortest in (True, False):
            R, coefs = self.Y, np.zeros(self.q.T.shape)
            for _ in range(rounds):
                coefs = coefs + self._pseudo_inverse(R, shortest).T
                R = self.Y - (self.problem.design.times(coefs.T) - self.problem.mean @ coefs.T)
                worst = self._worst(0.0, coefs)[0]
                if worst <= 0.25:
                    return coefs
            solutions.append((worst, coefs))
        return min(solutions, key=lambda one: one[0])[1]

    def _pseudo_inverse(self, R, shortest):
        """Return the least-squares coefficients (p, t) for residuals R (n, t).

        The rank is judged on columns of unit length, so that it does not depend on their units;
        `shortest` asks for the least sum of d w^2, else it is that of the unit columns.
        """
        problem = self.problem
        by_rows = problem.design.sparse and not self.may_copy and not self.tall
        root = np.sqrt(problem.weights[self.rows])[:, None]
        if by_rows:
            d = self.d if shortest else np.where(problem.norm > 0, problem.norm, 1.0) ** 2
            s, Q = linalg.eigh(self._row_gram(d))
            s, Q = s[(kept := s > len(s) * kernels.EPS * s[-1])], Q[:, kept]
            dual = np.zeros_like(R)
            dual[self.rows] = Q @ ((Q.T @ (root * R[self.rows])) / s[:, None]) / root
            return problem.correlate(dual) / d[:, None]
        if "pinv" not in self._factors:
            self._factors["pinv"] = self._column_basis()
        size, U, s, V, basis = self._factors["pinv"]
        if U is None:
            inner = (V.T @ (problem.correlate(R) / size[:, None])) / s[:, None]
        else:
            inner = (U.T @ (root * R[self.rows])) / s[:, None]
        W = V @ inner / size[:, None]
        if shortest and basis is not None:
            root_d = np.sqrt(self.d)[:, None]
            W = basis @ (basis.T @ (W * root_d)) / root_d
        return W

    def _column_basis(self):
        """Return column lengths, U or None, s, V, and a basis of the row space if X lacks rank."""
        size = np.where(self.problem.norm > 0, self.problem.norm, 1.0)
        if self.problem.design.sparse and not self.may_copy:
            s, V = linalg.eigh(self.matrix() / size / size[:, None])
            kept = s > len(s) * kernels.EPS * s[-1]
            U, s, V = None, s[kept], V[:, kept]
        else:
            Z, _ = self.weighted_copy()
            U, s, Vt = linalg.svd(Z / size, full_matrices=False)
            rank = int(self.above_rounding(s).sum())
            U, s, V = U[:, :rank], s[:rank], Vt[:rank].T
        basis = None
        if V.shape[1] < len(size):
            scaled = V * (size / np.sqrt(self.d))[:, None]
            basis = linalg.qr(scaled, mode="economic")[0]
        return size, U, s, V, basis

    # ------------------------------------------------------------ conjugate gradients

    def _conjugate_gradients(self, alpha):
        """Return the solution by conjugate gradients, preconditioned by the diagonal."""
        problem = self.problem
        p = problem.design.shape[1]

        def apply(w):
            used = problem.design.times(w) - problem.mean @ w
            return problem.correlate(used) + alpha * self.d * w

        diagonal = problem.norm**2 + alpha * self.d
        inverse = np.ones(p) if alpha == 0 else 1.0 / np.where(diagonal > 0, diagonal, 1.0)
        operator = LinearOperator((p, p), apply, dtype=np.float64)
        preconditioner = LinearOperator((p, p), lambda w: inverse * w, dtype=np.float64)
        coefs, steps = np.zeros(self.q.T.shape), 0
        limit = self.max_iter or 10 * min(problem.design.shape)
        for _ in range(3):  # restarts rid the residual of the rounding it has gathered
            for target, q in enumerate(self.q.T):
                count = []
                right = q - apply(coefs[target]) if steps else q
                step, _ = cg(
                    operator, right, rtol=1e-13, maxiter=limit, M=preconditioner,
                    callback=count.append,
                )  # fmt: skip
                coefs[target] += step
                steps = max(steps, len(count), 1)
            if self._worst(alpha, coefs)[0] <= 1.0:
                break
        return coefs, steps

"""Ridge without iterations: Cholesky on the smaller Gram, SVD, and conjugate gradients.

Solves ``min 1/2 sum v (y - X w)^2 + alpha/2 sum d_j w_j^2`` for a grid of alphas and several
targets at once, v summing to one, columns centred. With alpha = 0 and dependent columns the
solution of least norm is returned.
"""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg, lsmr

from . import kernels

# Rows or columns up to which a dense matrix of that order is factorised for sparse X.
FACTOR_LIMIT = 3000
# Entries up to which an ill-conditioned problem is solved again by a decomposition of X itself.
COPY_LIMIT = 10**7


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
        self.problem = problems[0]
        self.Y = np.stack([problem.y for problem in problems], axis=1)
        self.d = penalty.l2
        self.max_iter = max_iter
        self.rows = np.flatnonzero(self.problem.weights)
        self.tall = len(self.rows) >= self.problem.design.shape[1]
        self.q = self.problem.correlate(self.Y)
        order = min(len(self.rows), self.problem.design.shape[1])
        if method == "auto" and self.problem.design.sparse and order > FACTOR_LIMIT:
            method = "sparse_cg"
        self.method = method
        self._factors = {}

    def solve(self, alpha):
        """Return the coefficients (n_targets, p) at one alpha, and the iterations they took."""
        if self.method == "sparse_cg":
            return self._conjugate_gradients(alpha)
        if self.method == "svd":
            return self._svd(alpha), 1
        coefs = self._cholesky(alpha)
        if coefs is not None and (self._refine(alpha, coefs) or self.method == "cholesky"):
            return coefs, 1
        if alpha == 0:
            return self._least_norm(), 1
        if self.problem.design.sparse:
            return self._conjugate_gradients(alpha)
        n, p = len(self.rows), len(self.d)
        return (self._augmented(alpha) if (n + p) * p <= COPY_LIMIT else self._svd(alpha)), 1

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
            return float(square)
        matrix = self._matrix()
        if self.tall:
            matrix = matrix * scale * scale[:, None]
        top = len(matrix) - 1
        largest = linalg.eigvalsh(matrix, subset_by_index=[top, top])[0]
        return float(largest) if largest > 0 else 1.0

    # ------------------------------------------------------------ Cholesky

    def _matrix(self):
        """Return the smaller Gram matrix: X'VX, or for wide X the one between rows."""
        if "matrix" not in self._factors:
            problem = self.problem
            if self.tall:
                self._factors["matrix"] = problem.gram()[0]
            else:
                self._factors["matrix"] = self._row_gram()
        return self._factors["matrix"]

    def _row_gram(self):
        """Return sqrt(V) X D^-1 X' sqrt(V) over the rows that count, column block by block."""
        problem, rows = self.problem, self.rows
        root = np.sqrt(problem.weights[rows])
        if problem.design.sparse:
            X = problem.design.X[rows]
            scaled = X @ sparse.diags_array(1.0 / self.d)
            side = scaled @ problem.mean
            K = (scaled @ X.T).toarray() - side[:, None] - side
            K += (problem.mean**2 / self.d).sum()
            return K * root[:, None] * root
        K = 0.0
        p = problem.design.shape[1]
        for start in range(0, p, 256):
            columns = np.arange(start, min(start + 256, p))
            block = problem.design.gather(columns)[rows] - problem.mean[columns]
            block *= root[:, None] / np.sqrt(self.d[columns])
            K = K + block @ block.T
        return K

    def _cholesky(self, alpha):
        """Return the solution (n_targets, p), or None where the matrix is not definite enough."""
        matrix = self._matrix()
        shift = alpha * (self.d if self.tall else np.ones(len(matrix)))
        diagonal = np.diagonal(matrix) + shift
        if not np.all(np.isfinite(diagonal)):
            return np.zeros(self.q.T.shape)
        zero = diagonal <= 0
        scale = 1.0 / np.sqrt(np.where(zero, 1.0, diagonal))
        scaled = matrix * scale[:, None] * scale
        np.fill_diagonal(scaled, 1.0)
        try:
            factor = linalg.cho_factor(scaled, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        pivots = np.diagonal(factor[0])
        if pivots.min() ** 2 < len(pivots) * kernels.EPS:
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
        if not self.tall:  # no cheap correction here, and the error is that of one product
            return worst <= 100.0
        for _ in range(rounds):
            if worst <= 1.0:
                break
            coefs += self._factors["solve"](g - (alpha * self.d)[:, None] * coefs.T).T
            worst, g = self._worst(alpha, coefs)
        return worst <= 4.0

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

    def _weighted_copy(self):
        """Return sqrt(V) X, centred, and sqrt(V) Y over the rows that count."""
        if "copy" not in self._factors:
            problem = self.problem
            root = np.sqrt(problem.weights[self.rows])[:, None]
            Z = problem.design.gather(np.arange(len(self.d)))[self.rows] - problem.mean
            self._factors["copy"] = Z * root, root * self.Y[self.rows]
        return self._factors["copy"]

    def _svd(self, alpha):
        if alpha == 0:
            return self._least_norm()
        Z, Y = self._weighted_copy()
        if "svd" not in self._factors:
            self._factors["svd"] = linalg.svd(Z / np.sqrt(self.d), full_matrices=False)
        U, s, Vt = self._factors["svd"]
        with np.errstate(under="ignore", over="ignore"):
            shrunk = (s / (s * s + alpha))[:, None] * (U.T @ Y)
            return (Vt.T @ shrunk).T / np.sqrt(self.d)

    def _augmented(self, alpha):
        """Solve by least squares on [X; sqrt(alpha D)], columns brought to unit length."""
        Z, Y = self._weighted_copy()
        A = np.vstack([Z, np.diag(np.sqrt(alpha * self.d))])
        size = np.sqrt((A * A).sum(axis=0))
        size[size == 0] = 1.0
        right = np.vstack([Y, np.zeros((A.shape[1], Y.shape[1]))])
        return (linalg.lstsq(A / size, right, cond=kernels.EPS)[0] / size[:, None]).T

    def _least_norm(self, rounds=3):
        """Return the least-squares solutions (n_targets, p) with the least sum of d w^2.

        The solution for the residual is added a few times: the pseudo-inverse of an
        ill-conditioned Gram matrix alone has too few digits.
        """
        if "pinv" not in self._factors:
            self._factors["pinv"] = self._pseudo_inverse()
        R, coefs = self.Y, np.zeros(self.q.T.shape)
        for _ in range(rounds):
            coefs = coefs + self._factors["pinv"](R).T
            R = self.Y - (self.problem.design.times(coefs.T) - self.problem.mean @ coefs.T)
            if self._worst(0.0, coefs)[0] <= 1.0:
                return coefs
        return self._polish(coefs, R) if self.problem.design.sparse else coefs

    def _polish(self, coefs, R):
        """Add the least-squares solution for the residual R, by iterations with X itself."""
        problem, root = self.problem, np.sqrt(self.problem.weights)
        operator = LinearOperator(
            problem.design.shape,
            lambda w: root * (problem.design.times(w) - problem.mean @ w),
            lambda u: problem.correlate(u / np.where(root > 0, root, 1.0)),
            dtype=np.float64,
        )
        limit = 10 * max(problem.design.shape)
        steps = [lsmr(operator, root * r, atol=0, btol=0, conlim=0, maxiter=limit)[0] for r in R.T]
        better = coefs + np.array(steps)
        return better if self._worst(0.0, better)[0] < self._worst(0.0, coefs)[0] else coefs

    def _pseudo_inverse(self):
        """Return a function from residuals (n, t) to coefficients (p, t).

        The rank is judged on columns of unit length, so that it does not depend on their units;
        what is shortest is judged in the penalty's metric.
        """
        problem, root_d = self.problem, np.sqrt(self.d)
        root = np.sqrt(problem.weights[self.rows])[:, None]
        if problem.design.sparse and not self.tall:
            s, Q = linalg.eigh(self._matrix())
            Q, s = Q[:, (kept := s > len(s) * kernels.EPS * s[-1])], s[kept]

            def by_rows(R):
                dual = np.zeros_like(R)
                dual[self.rows] = Q @ ((Q.T @ (root * R[self.rows])) / s[:, None]) / root
                return problem.correlate(dual) / self.d[:, None]

            return by_rows
        size = np.where(problem.norm > 0, problem.norm, 1.0)
        if problem.design.sparse:
            s, V = linalg.eigh(self._matrix() / size / size[:, None])
            V, s = V[:, (kept := s > len(s) * kernels.EPS * s[-1])], s[kept]
        else:
            Z, _ = self._weighted_copy()
            U, s, Vt = linalg.svd(Z / size, full_matrices=False)
            rank = int((s > max(Z.shape) * kernels.EPS * s[:1].max(initial=0.0)).sum())
            U, V, s = U[:, :rank], Vt[:rank].T, s[:rank]
        basis = None
        if V.shape[1] < len(size):
            basis = linalg.qr(V * (size / root_d)[:, None], mode="economic")[0]

        def by_columns(R):
            if problem.design.sparse:
                inner = (V.T @ (problem.correlate(R) / size[:, None])) / s[:, None]
            else:
                inner = (U.T @ (root * R[self.rows])) / s[:, None]
            W = V @ inner / size[:, None]
            if basis is not None:  # on the row space
                W = basis @ (basis.T @ (W * root_d[:, None])) / root_d[:, None]
            return W

        return by_columns

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

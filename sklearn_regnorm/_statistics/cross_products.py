"""Weighted means and centred cross-products of all columns, for the regression engine."""

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from scipy import sparse

# Entries of a block of rows converted to float64 at once: 4 MiB.
BLOCK_ENTRIES = 2**19


@dataclass(frozen=True)
class CrossProducts:
    """Weighted cross-products of the columns of X and targets Y.

    With v the weights and m, k the means of the columns and targets (zero if not centred)::

        xx = sum_i v_i (x_i - m)(x_i - m)'    xy = sum_i v_i (x_i - m)(y_i - k)'
        yy = sum_i v_i (y_i - k)^2            weight = sum_i v_i

    Attributes
    ----------
    weight : float
    x_mean : ndarray of shape (p,)
    y_mean, yy : ndarray of shape (t,)
    xx : ndarray of shape (p, p)
    xy : ndarray of shape (p, t)
    """

    weight: float
    x_mean: np.ndarray
    y_mean: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def merge(self, other):
        """Return the statistics of the rows of both."""
        weight = self.weight + other.weight
        if weight == 0.0:
            return self
        share = other.weight / weight
        dx = other.x_mean - self.x_mean
        dy = other.y_mean - self.y_mean
        between = self.weight * share
        xx = self.xx + other.xx
        if dx.any():
            xx += np.outer(between * dx, dx)
        return CrossProducts(
            weight,
            self.x_mean + share * dx,
            self.y_mean + share * dy,
            xx,
            self.xy + other.xy + np.outer(between * dx, dy),
            self.yy + other.yy + between * dy * dy,
        )


def merge_all(parts):
    """Merge several statistics into one."""
    return reduce(CrossProducts.merge, parts)


def cross_products(design, Y, weights, centred, rows=None):
    """Compute the cross-products of some rows in blocks, without a copy of X.

    Parameters
    ----------
    design : DenseDesign or SparseDesign
        Gives blocks of rows, relative to its origin.
    Y : ndarray of shape (n, t)
    weights : ndarray of shape (n,)
    centred : bool
        Whether means are taken out.
    rows : ndarray of int, optional
        The rows that count, by default all. Rows of weight zero are left out.
    """
    rows = np.flatnonzero(weights) if rows is None else rows[weights[rows] > 0]
    parts = (
        _block_products(block, base, Y[taken], weights[taken], centred)
        for taken, block, base in design.centred_blocks(rows)
    )
    products = merge_all(parts)
    return _bounded(products, design, weights, rows, centred) if design.sparse else products


def _bounded(products, design, weights, rows, centred):
    """Return the products of sparse columns with squares as they are summed up without cancelling.

    Columns are centred after they have been multiplied: where rows differ little beside what they
    have in common, or one has nearly all the weight, little else than rounding may be left. No
    product of columns then exceeds what their squares allow.
    """
    v = np.zeros(len(weights))
    v[rows] = weights[rows]
    mean, variance = (one[:, 0] for one in design.moments(v[:, None] / products.weight))
    squares = products.weight * (variance if centred else variance + mean * mean)
    root = np.sqrt(squares)
    most = np.outer(root, root)
    xx = np.clip(products.xx, -most, most)
    np.fill_diagonal(xx, squares)
    most = np.outer(root, np.sqrt(products.yy))
    return replace(products, xx=xx, xy=np.clip(products.xy, -most, most))


def _block_products(block, base, Y, v, centred):
    """Return the cross-products of rows given as block + base; overwrites the block."""
    weight = v.sum()
    x_mean, y_mean = np.zeros(block.shape[1]), np.zeros(Y.shape[1])
    root = np.sqrt(v)[:, None]
    inner = block.T @ v / weight
    if centred:
        x_mean, y_mean = base + inner, v @ Y / weight
        Y = Y - y_mean
    # what is still to be taken off the block: its mean, or the base that should not have been
    left = inner if centred else -base
    if sparse.issparse(block):
        block = sparse.diags_array(root.ravel()) @ block
        # sum v (b - l)(b - l)' with v-mean i of b: sum v bb' - w (i l' + l i' - l l')
        cross = np.outer(inner, left)
        xx = (block.T @ block).toarray() - weight * (cross + cross.T - np.outer(left, left))
        xy = block.T @ (root * Y) - np.outer(left, v @ Y)
    else:
        block -= left
        if np.all(v == v[0]):  # saves a pass over the block
            xx, xy = v[0] * (block.T @ block), block.T @ (v[0] * Y)
        else:
            block *= root
            xx, xy = block.T @ block, block.T @ (root * Y)
    return CrossProducts(weight, x_mean, y_mean, xx, xy, v @ (Y * Y))

"""Minimising the loss of all rows by L-BFGS."""

import numpy as np
import scipy.optimize


def minimise(network, loss, rows, estimator):
    """Put a network at the minimum that L-BFGS finds; return scipy's result.

    Parameters
    ----------
    network : Network
    loss : object of `_losses`
    rows : Rows
    estimator : MLPClassifier or MLPRegressor
        Has the parameters.
    """
    ends = np.cumsum([w.size for w in network.parameters])[:-1]
    slope = np.empty_like(rows.targets)
    total = rows.weights.sum()
    share, strength = rows.weights / total, estimator.alpha / total

    def value_and_slope(flat):
        network.restore(np.split(flat, ends))
        value = loss.evaluate(network.forward(rows.X), rows.targets, share, slope)
        network.backward(slope)
        found = [one.astype(np.float64) for one in network.slopes]
        found[0] += strength * network.parameters[0]
        return value + network.penalty(0.0, strength), np.concatenate(found)

    result = scipy.optimize.minimize(
        value_and_slope,
        np.concatenate(network.parameters).astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        options={
            "maxfun": estimator.max_fun,
            "maxiter": estimator.max_iter,
            "gtol": estimator.tol,
            "ftol": 64 * np.finfo(np.float64).eps,  # so that `tol` decides
        },
    )
    network.restore(np.split(result.x, ends))
    return result

"""Texts that the docstrings of classifier and regressor share, each written once."""

from .._documentation import documenting

SHARED = {
    "architecture": """hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the hidden layers. ``()`` has none: a linear model.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        What follows each hidden layer.""",
    "solver": """solver : {"adam", "adamw", "sgd", "lbfgs"}, default="adam"
        "adamw" is Adam with the L2 penalty taken from the weights directly, and not through Adam's
        moments: so it comes to rest elsewhere than at the objective's minimum. "lbfgs" minimises
        the loss of all rows; it takes neither an L1 penalty nor normalization nor dropout.
    alpha : float, default=1e-4
        Strength of the penalty, on scikit-learn's scale: each batch adds
        ``alpha / sum(v) * (l1_ratio * sum |w| + (1 - l1_ratio) / 2 * sum w^2)`` to its mean loss, v
        being the weights of its rows.
    batch_size : int or "auto", default="auto"
        Rows per step; "auto" is min(200, n_samples). With batch normalization a single row left
        over at the end of an epoch joins the batch before it.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For "sgd": "invscaling" divides `learning_rate_init` by ``(t + 1) ** power_t``, t being the
        rows seen so far; "adaptive" divides it by 5 when `n_iter_no_change` epochs have not helped.
    learning_rate_init : float, default=0.001
        Size of the steps.
    power_t : float, default=0.5
        See `learning_rate`.
    max_iter : int, default=200
        Epochs at most; iterations of L-BFGS.
    shuffle : bool, default=True
        Put the rows in random order for each epoch.
    random_state : int, RandomState instance or None, default=None
        Of the initial weights, the order of rows, dropout and the validation set.
    tol : float, default=1e-4
        Training ends when the loss (with `early_stopping`: the validation score) has not improved
        by this much in more than `n_iter_no_change` epochs. For "lbfgs": the largest gradient.
    verbose : bool, default=False
        Print each epoch.
    warm_start : bool, default=False
        `fit` goes on with the network of the last fit. With `early_stopping` give an integer
        `random_state` or `X_val`: else other rows are set aside, which that fit has learned from.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
        Of "sgd".
    early_stopping : bool, default=False
        Stop by the score of a validation set, and keep the network that had the best one.
    validation_fraction : float, default=0.1
        Rows that are set aside for `early_stopping` if `fit` is given no `X_val`.
    beta_1, beta_2 : float, default=0.9, 0.999
        Of Adam: how slowly its first and second moments forget.
    epsilon : float, default=1e-8
        Of Adam: added to the square root of the second moment.
    n_iter_no_change : int, default=10
        See `tol`.
    max_fun : int, default=15000
        Evaluations of the loss by "lbfgs" at most.
    normalization : {None, "batch", "layer"}, default=None
        What normalizes each hidden layer: :class:`~sklearn_regnorm.neural_network.BatchNorm` or
        :class:`~sklearn_regnorm.neural_network.LayerNorm`.
    normalization_position : {"before", "after"}, default="before"
        Before or after the activation.
    l1_ratio : float, default=0.0
        Share of the L1 penalty. It acts by soft thresholding after each step, at the step's own
        rate, so that weights become exactly 0.
    penalize : str or sequence of str, default="weights"
        What is penalised, among "weights", "output_weights" (of the last layer only), "biases",
        "gamma", "beta".
    dropout : float, default=0.0
        Probability with which outputs of hidden layers are dropped in training.""",
    "n_jobs": """n_jobs : int or None, default=None
        Threads of prediction. Results do not depend on them. Training has one.""",
    "fitted": """layers_ : list of Layer
        The network, from X to scores; `out_activation_` turns these into predictions. Learned
        gamma and beta, and the statistics, are there: ``layers_[1].params["gamma"]``,
        ``layers_[1].mean``.
    coefs_, intercepts_ : list of ndarray
        Weights, of shape (n_in, n_out), and biases of the linear layers: the arrays in `layers_`.
    n_layers_ : int
        Linear layers and one.
    n_outputs_ : int
        Columns of the scores.
    out_activation_ : str
        "softmax", "logistic", "identity" or "exp".
    loss_ : float
        Penalised training loss of the last epoch.
    loss_curve_ : list of float
        The same of every epoch, in training: with dropout, and by the statistics of batches.
    best_loss_ : float or None
        The least of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        Score of the validation set after every epoch, by statistics of all training rows; NaN for
        epochs without one.
    validation_loss_curve_ : list of float or None
        Its loss, without the penalty.
    best_validation_score_ : float or None
        The highest score.
    optimizer_ : Optimizer
        Its state, for `partial_fit`.
    n_iter_ : int
        Epochs (or iterations of L-BFGS) of the last call.
    t_ : int
        Training rows seen, counted once per epoch.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X had them.""",
    "notes": """With ``normalization=None`` and ``l1_ratio=0`` this is scikit-learn's estimator:
    the same parameters start from the same weights, take the same batches and the same steps
    (those of "adam" differ by where `epsilon` stands).

    Statistics of batch normalization are, after `fit`, those of all training rows, computed exactly
    in one more pass; so predictions depend neither on the batches nor on other rows. After
    `partial_fit` they are running statistics (`BatchNorm`). What is multiplied by a constant before
    a normalization is the same after it: penalties of weights that lead into a normalization do not
    restrict the function that is learned, only the step size; see the user guide.

    Training that leaves the range of numbers raises a ValueError. After that, and after Ctrl-C,
    the estimator is what it was before.""",
}

document = documenting(SHARED)

"""How sphinx-gallery orders the examples and calls them."""

# The order of the user guide.
ORDER = [
    "plot_l1_and_l2",
    "plot_over_and_under_fitting",
    "plot_correlated_features",
    "plot_choose_lambda",
    "plot_displays",
    "plot_choose_the_ratio",
    "plot_leakage",
    "plot_selection_rules",
    "plot_penalty_factors",
    "plot_adaptive_and_relaxed",
    "plot_stability_selection",
    "plot_certificates",
    "plot_sparse_text",
    "plot_several_targets",
    "plot_batch_normalization_by_hand",
    "plot_learning_rates",
    "plot_normalize_a_stream",
    "plot_layer_normalization",
    "plot_learned_scale",
    "plot_normalization_in_networks",
    "plot_covariate_shift",
    "plot_small_batches",
    "plot_network_penalties",
    "plot_learning_curve",
]


class InTheOrderOfTheGuide:
    """Sort key of the examples' file names; those without a place come last, by name."""

    def __init__(self, folder):
        pass

    def __call__(self, filename):
        """Return what is compared."""
        stem = filename.removesuffix(".py")
        return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)

    def __repr__(self):
        """Return the same text in every build, so that nothing is rebuilt for it."""
        return f"<{type(self).__name__} {ORDER}>"


def arguments(gallery_conf, script_vars):
    """Return the command line of an example: draw, but write no file."""
    return ["--output", ""]

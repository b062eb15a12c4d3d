"""Folds from scikit-learn's splitters, and what is routed to them."""

from typing import Any

from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .._typing import CV
from .._validation import check_folds, naming
from ._base import routing_enabled
from ._scoring import make_scorers, route_scorers


class SplitterRouting:
    """Routes `groups` and the like to the splitter, as scikit-learn's CV estimators do."""

    cv: CV
    scoring: Any

    def _folds(self, X, y, weights, sample_weight, params):
        """Return checked folds; `params` go to the splitter under metadata routing."""
        if params and not routing_enabled():
            raise ValueError(
                f"{sorted(params)} can only be passed to fit with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        with naming("cv"):
            cv = check_cv(self.cv)
        extra = {}
        if routing_enabled():
            if sample_weight is not None:
                params = {**params, "sample_weight": sample_weight}
            extra = process_routing(self, "fit", **params).splitter.split
        with naming("cv"):
            try:
                folds = list(cv.split(X, y, **extra))
            except (TypeError, ValueError) as error:
                raise ValueError(f"cv: a fold could not be made: {error}") from error
            return check_folds(folds, weights)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata are routed: to fit, to the splitter and to the scorers.

        Returns
        -------
        MetadataRouter
        """
        router = (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                splitter=check_cv(self.cv),
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )
        route_scorers(router, make_scorers(self, self.scoring))
        return router

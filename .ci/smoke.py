"""Use the installed wheel; run by .ci/run outside the source tree, which must not be imported."""

import sys
from importlib.metadata import version
from pathlib import Path

from sklearn.datasets import load_diabetes

import sklearn_regnorm
import sklearn_regnorm.inspection  # noqa: F401  (without matplotlib)
from sklearn_regnorm.linear_model import LassoCV
from sklearn_regnorm.preprocessing import BatchNormalizer

package = Path(sklearn_regnorm.__file__).resolve().parent
assert package.is_relative_to(Path(sys.argv[1]).resolve()), f"imported from {package}"
assert (package / "py.typed").exists()
assert version("sklearn-regnorm") == sklearn_regnorm.__version__

X, y = load_diabetes(return_X_y=True)
model = LassoCV().fit(X, y)
assert model.score(X, y) > 0.5 and model.dual_gap_ < 1e-4 * y.var()
assert abs(BatchNormalizer().fit_transform(X).std(axis=0) - 1).max() < 1e-12
print(f"sklearn_regnorm {sklearn_regnorm.__version__} works from its wheel")

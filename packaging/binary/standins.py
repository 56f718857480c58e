"""Modules that scikit-learn and SciPy import on their way and that nothing of wabox calls: left out, 30 MB of them.

The importing code gets a stand-in. Its names can be imported and inherited from; whoever calls one learns that it is left
out. ``wabox selftest`` trains with what remains.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LEFT_OUT = (
    "numpy.f2py",
    "scipy.fft", "scipy.integrate", "scipy.interpolate", "scipy.ndimage", "scipy.sparse.csgraph", "scipy.stats",
    "scipy.linalg._decomp_interpolative", "scipy.linalg._matfuncs_expm",
    "scipy.linalg._matfuncs_schur_sqrtm",
    "scipy.optimize._bglu_dense", "scipy.optimize._direct", "scipy.optimize._highspy", "scipy.optimize._lsap",
    "scipy.optimize._moduleTNC", "scipy.optimize._pava_pybind", "scipy.optimize._slsqplib", "scipy.optimize._trlib",
    "scipy.sparse.linalg._dsolve", "scipy.sparse.linalg._eigen", "scipy.sparse.linalg._matfuncs", "scipy.sparse.linalg._norm",
    "scipy.spatial._ckdtree", "scipy.spatial._distance_pybind", "scipy.spatial._distance_wrap", "scipy.spatial._hausdorff",
    "scipy.spatial._qhull", "scipy.spatial._voronoi", "scipy.spatial.transform",
    "scipy.special.cython_special",
    "sklearn.linear_model._cd_fast", "sklearn.linear_model._sgd_fast", "sklearn.metrics", "sklearn.model_selection",
    "sklearn.svm",
    "sklearn.preprocessing._csr_polynomial_expansion", "sklearn.preprocessing._target_encoder_fast",
)  # fmt: skip
"""Each with everything below it."""


NAMES_OF = ("get_scorer_names",)
"""Functions that are called for the names of what there is, while modules are loaded: there is nothing."""


class Missing(type):
    """The kind of what cannot be called. A name of a stand-in is a class, so that it can be inherited from."""

    def __call__(cls, *_: Any, **__: Any) -> Any:
        if cls.__name__ in NAMES_OF:
            return ()
        raise ImportError(f"{cls.__module__}.{cls.__name__} is not part of this wabox: it is left out of the binary")


class StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = Missing(name, (), {"__module__": self.__name__})
        setattr(self, name, found)
        return found


class Stage(MetaPathFinder, Loader):
    """Asked first: of what is left out, folders with data may be there, and would be taken for packages."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        del path, target
        if any(name == one or name.startswith(f"{one}.") for one in LEFT_OUT):
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def stand_in() -> None:
    sys.meta_path.insert(0, Stage())

"""Point a library at another host by code: it keeps its addresses as literals."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any


def _swapped(code: CodeType, hosts: dict[str, str]) -> CodeType:
    def swap(value: Any) -> Any:
        if isinstance(value, CodeType):
            return _swapped(value, hosts)
        if isinstance(value, str):
            for old, new in hosts.items():
                value = value.replace(old, new)
        return value

    return code.replace(co_consts=tuple(swap(value) for value in code.co_consts))


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        if isinstance(value, FunctionType):
            yield value
        elif isinstance(value, type):
            yield from (one for one in vars(value).values() if isinstance(one, FunctionType))


@contextmanager
def pointed_at(package: ModuleType, hosts: dict[str, str]) -> Iterator[None]:
    """Replace literals in all functions of a package, and put them back.

    Args:
        hosts: what stands there → what is to stand there.
    """
    names = [
        one.name
        for one in pkgutil.walk_packages(
            package.__path__, package.__name__ + ".", onerror=lambda _: None
        )
    ]
    found: dict[FunctionType, CodeType] = {}
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception:
            # Needs something that is not installed; some say so with errors of their own.
            continue
        for function in _functions(module):
            if function.__module__.startswith(package.__name__):
                found[function] = function.__code__
    for function, code in found.items():
        function.__code__ = _swapped(code, hosts)
    try:
        yield
    finally:
        for function, code in found.items():
            function.__code__ = code

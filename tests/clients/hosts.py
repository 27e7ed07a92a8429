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


@contextmanager
def redirected(hosts: dict[str, str]) -> Iterator[None]:
    """Let every session of requests send what is for these hosts to others: a library that signs
    its requests signs them for the host that it knows.

    Args:
        hosts: where it goes → where it is to go.
    """
    import requests

    class Elsewhere(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *given: Any, **how: Any) -> Any:
            for old, new in hosts.items():
                request.url = request.url.replace(old, new)
            return super().send(request, *given, **how)

    original = requests.Session.__init__

    def made(self: requests.Session) -> None:
        original(self)
        for old in hosts:
            self.mount(old, Elsewhere())

    requests.Session.__init__ = made  # type: ignore[method-assign]
    try:
        yield
    finally:
        requests.Session.__init__ = original  # type: ignore[method-assign]

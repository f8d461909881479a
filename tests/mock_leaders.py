"""librdkafka's mock cluster, as `servers.MockKafka`, with its leaders in the test's hand.

The Python package hides what it takes, the library in it does not.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_void_p
from typing import TYPE_CHECKING, Any

from confluent_kafka import cimpl

from tests.servers import Broker

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRODUCER = 0
_NOBODY = -1
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "conf_new": (c_void_p, []),
    "conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_void_p, c_size_t]),
    "new": (c_void_p, [c_int, c_void_p, c_void_p, c_size_t]),
    "destroy": (None, [c_void_p]),
    "mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "mock_cluster_destroy": (None, [c_void_p]),
    "mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "mock_topic_create": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "mock_partition_set_leader": (c_int, [c_void_p, c_char_p, c_int32, c_int32]),
}


class MockLeaders:
    """One broker in this process, until `stop`."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(cimpl.__file__)
        conf = self._call("conf_new")
        self._call("conf_set", conf, b"log_level", b"3", None, 0)
        self._client = self._call("new", _PRODUCER, conf, None, 0)
        self._cluster = self._call("mock_cluster_new", self._client, 1)
        self.broker = Broker(self._call("mock_cluster_bootstraps", self._cluster).decode(), "mock", (2, 1))

    def create(self, topic: str, partitions: int) -> None:
        """A topic of so many partitions, all of which have a leader."""
        assert self._call("mock_topic_create", self._cluster, topic.encode(), partitions, 1) == 0

    def take(self, topic: str, partitions: Iterable[int]) -> None:
        """Take the leaders of these partitions away."""
        for number in partitions:
            name = topic.encode()
            assert self._call("mock_partition_set_leader", self._cluster, name, number, _NOBODY) == 0

    def stop(self) -> None:
        """End it."""
        self._call("mock_cluster_destroy", self._cluster)
        self._call("destroy", self._client)

    def _call(self, name: str, *arguments: Any) -> Any:
        function = self._library[f"rd_kafka_{name}"]
        function.restype, function.argtypes = _FUNCTIONS[name]
        return function(*arguments)

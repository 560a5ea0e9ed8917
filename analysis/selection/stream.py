"""The random numbers of a draw that anyone can redo: integers from SHA-256, algorithm "minyi-stream-1".

A library's generator may change its stream between versions, and floating point may differ between
machines. Here:

1. The key is 32 bytes. Block i (from 0) is SHA-256(key ‖ i as 8 bytes, big-endian); the blocks one after
   another are the stream of bytes, read from the left, each byte once.
2. A uniform integer below n (n ≥ 1): b = number of bits of n - 1. When b = 0 the answer is 0 and nothing is
   read. Else read ⌈b/8⌉ bytes as a big-endian integer, keep its lowest b bits, and accept it when it is
   below n; otherwise read again. Every value has the same chance: no modulo bias.
3. The child stream named by a label has the key SHA-256("minyi-stream-1" ‖ 0x00 ‖ key ‖ label in UTF-8), so
   that each stratum and each PSU draws from its own stream and the order of work does not matter.
4. A shuffle is Fisher-Yates from the front: position i (0, 1, …, n-2) is swapped with i + (uniform integer
   below n - i).

Test vectors: tests/vectors/stream.json.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

ALGORITHM = "minyi-stream-1"
KEY_BYTES = 32
T = TypeVar("T")


class Stream:
    """Uniform integers from a 32-byte key. Two streams of one key give the same numbers.

    Raises
    ------
    ValueError : the key has not 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes; got {len(key)}")
        self._key = bytes(key)
        self._counter = 0
        self._buffer = b""

    def child(self, label: str) -> "Stream":
        """The stream of one part of the work; independent of what was read from this one."""
        head = ALGORITHM.encode() + b"\x00"
        return Stream(hashlib.sha256(head + self._key + label.encode()).digest())

    def read(self, n_bytes: int) -> bytes:
        """The next bytes of the stream."""
        while len(self._buffer) < n_bytes:
            self._buffer += hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        taken, self._buffer = self._buffer[:n_bytes], self._buffer[n_bytes:]
        return taken

    def below(self, n: int) -> int:
        """A uniform integer 0 ≤ x < n. Raises ValueError when n < 1."""
        if n < 1:
            raise ValueError("there is no integer below 1")
        bits = (n - 1).bit_length()
        n_bytes, mask = (bits + 7) // 8, (1 << bits) - 1
        while True:
            value = int.from_bytes(self.read(n_bytes), "big") & mask
            if value < n:
                return value

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (a new list); every order has the same chance."""
        result = list(items)
        for i in range(len(result) - 1):
            j = i + self.below(len(result) - i)
            result[i], result[j] = result[j], result[i]
        return result

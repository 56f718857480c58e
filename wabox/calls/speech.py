"""Voice messages as text: ``POST …/audio/transcriptions`` of any OpenAI-compatible service, in the house or outside.

``verbose_json`` is asked for, because its segments tell how sure the model is. A service that does not know it (OpenAI's newer
models) is asked for ``json`` with log probabilities from then on. The confidence is e to the mean log probability, over the
time that somebody speaks: Whisper's own way to tell a guess from an answer.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from wabox.core.media import Transcript, Unheard

LARGEST: Final = 1024 * 1024
"""Bytes of an answer."""
LONGEST: Final = 4096
"""Characters of a text: as many as a customer can write."""
RECORDING: Final = 25 * 1024 * 1024
"""Bytes of a recording: what OpenAI takes."""
SILENCE: Final = 0.6
"""Whisper's: from this probability of no speech on, what it wrote down is made up."""
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_ENDS: Final = {
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "audio/amr": "amr",
    "audio/aac": "aac",
    "audio/wav": "wav",
}


class SpeechCalls:
    """Implements Transcriber. The caller's deadline is the only one: the wait is the customer's."""

    def __init__(self, url: str, model: str, key: str | None = None) -> None:
        """``url`` up to ``/v1``, or whole."""
        self._url = url if url.endswith("/transcriptions") else f"{url}/audio/transcriptions"
        self._model = model
        self._key = key
        self._verbose = True
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"SpeechCalls({self._url!r})"

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def transcribe(self, path: str, content_type: str, language: str | None) -> Transcript:
        try:
            recording = await asyncio.to_thread(Path(path).read_bytes)
            if len(recording) > RECORDING:
                raise Unheard(f"the recording has {len(recording) >> 20} MiB, more than is asked about")
            return await self._asked(recording, content_type, language)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unheard(self._clean(f"{type(error).__name__}: {error}")) from None
        except OSError as error:
            raise Unheard(f"the recording cannot be read: {error.strerror or error}") from None

    async def _asked(self, recording: bytes, content_type: str, language: str | None) -> Transcript:
        again = True
        while True:
            verbose = self._verbose
            try:
                status, content = await self._post(recording, content_type, language, verbose)
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
                if not again:
                    raise
                again = False
                continue
            if status == 200:
                return _read(content)
            if status == 400 and verbose:
                self._verbose = False
                continue
            if status in _AGAIN and again:
                again = False
                continue
            said = " ".join(content[:200].decode("utf-8", "replace").split())
            raise Unheard(self._clean(f"the service answered {status}: {said}"))

    async def _post(
        self, recording: bytes, content_type: str, language: str | None, verbose: bool
    ) -> tuple[int, bytes]:
        if self._client is None:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=None,  # noqa: S113 - the caller's deadline
                headers={"User-Agent": "wabox", "Accept": "application/json", "Accept-Encoding": "identity"},
            )
        fields: dict[str, Any] = {"model": self._model, "temperature": "0"}
        fields |= (
            {"response_format": "verbose_json"} if verbose else {"response_format": "json", "include[]": "logprobs"}
        )
        if language is not None:
            fields["language"] = language.partition("-")[0].partition("_")[0]
        name = f"voice.{_ENDS.get(content_type, 'ogg')}"
        request = self._client.build_request(
            "POST",
            self._url,
            data=fields,
            files={"file": (name, recording, content_type)},
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
        )
        answer = await self._client.send(request, stream=True)
        try:
            content = bytearray()
            async for part in answer.aiter_raw():
                content += part
                if len(content) > LARGEST:
                    raise Unheard(f"the answer has more than {LARGEST >> 20} MiB")
        finally:
            await answer.aclose()
        return answer.status_code, bytes(content)

    def _clean(self, text: str) -> str:
        """Without the key."""
        return text.replace(self._key, "…") if self._key else text


def _read(content: bytes) -> Transcript:
    try:
        found = json.loads(content)
        text = found["text"]
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unheard("the answer is no transcript") from None
    text = " ".join(text.encode("utf-8", "replace").decode().replace("\0", "").split())
    segments = found.get("segments")
    if isinstance(segments, list) and segments and all(_is_silence(one) for one in segments):
        text = ""
    return Transcript(text=text[:LONGEST], confidence=_confidence(found))


def _is_silence(segment: Any) -> bool:
    return (
        isinstance(segment, Mapping)
        and _number(segment.get("no_speech_prob")) > SILENCE
        and _number(segment.get("avg_logprob")) < -1
    )


def _confidence(found: Mapping[str, Any]) -> float | None:
    """0 to 1; None when the service does not say."""
    pairs: list[tuple[float, float]] = []
    for one in _objects(found.get("segments")):
        if isinstance(one.get("avg_logprob"), int | float):
            seconds = _number(one.get("end")) - _number(one.get("start"))
            pairs.append((_number(one["avg_logprob"]), max(seconds, 0.01)))
    for one in _objects(found.get("logprobs")):
        if isinstance(one.get("logprob"), int | float):
            pairs.append((_number(one["logprob"]), 1.0))
    weight = sum(part for _, part in pairs)
    if not pairs or not weight:
        return None
    return round(min(1.0, math.exp(max(-50.0, sum(value * part for value, part in pairs) / weight))), 3)


def _objects(found: Any) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    try:
        number = float(found)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0

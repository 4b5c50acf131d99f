"""HTTP as a browser has it on loopback, which it takes for secure without TLS."""

import httpx


class BrowserTransport(httpx.AsyncHTTPTransport):
    """Keeps the cookies that Keycloak marks as secure, and sends them back."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        kept = [(name, _open(value) if name.lower() == b"set-cookie" else value) for name, value in answer.headers.raw]
        answer.headers = httpx.Headers(kept)
        return answer


def _open(cookie: bytes) -> bytes:
    return b";".join(part for part in cookie.split(b";") if part.strip().lower() != b"secure")

"""Asking the authority for a certificate, and saying in plain words why it gave none."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from wabox.acme.folder import CertificateFolder
from wabox.errors import WaboxError

if TYPE_CHECKING:
    from acme.client import ClientV2
    from acme.messages import ChallengeBody, OrderResource
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from josepy.jwk import JWKRSA

PATIENCE: Final = 90
"""s for the authority to look at the proof and to sign."""
TIMEOUT: Final = 30
"""s for each of its answers."""

Publish = Callable[[str, str], None]
"""Serve this text at ``/.well-known/acme-challenge/`` and this token, from now on; an empty text: no longer."""


class CertificateError(WaboxError):
    """There is no certificate: why, and what to do."""


def issue(folder: CertificateFolder, directory: str, email: str | None, publish: Publish) -> None:
    """A certificate for the folder's domain, in the folder. Raises CertificateError or StorageError."""
    import requests
    from acme import errors, messages
    from josepy.errors import Error as JoseError

    try:
        _issue(folder, directory, email, publish)
    except errors.ValidationError as error:
        raise CertificateError(_refused(folder.domain, error)) from error
    except messages.Error as error:
        raise CertificateError(_told(folder.domain, error.code, error.detail)) from error
    except errors.TimeoutError as error:
        raise CertificateError(
            f"the certificate authority did not decide about {folder.domain} within {PATIENCE} s; it is asked again"
        ) from error
    except (requests.RequestException, errors.Error, JoseError, ValueError) as error:
        raise CertificateError(
            f"the certificate authority at {directory} cannot be asked ({_plain(error)}): does this machine reach the "
            "internet, and is [server] acme_url right?"
        ) from error


def renewal(folder: CertificateFolder, directory: str) -> tuple[int | None, int]:
    """When the authority wants the certificate renewed (ACME renewal information, RFC 9773; None: it does not say), and when to
    ask it again; ms. It may be long before a third of its life is left, when the authority has to take it back. Raises
    CertificateError or StorageError."""
    import requests
    from acme import client, errors
    from josepy.errors import Error as JoseError

    from wabox import __version__

    net = client.ClientNetwork(user_agent=f"wabox/{__version__}", timeout=TIMEOUT)
    try:
        known = client.ClientV2(client.ClientV2.get_directory(directory, net), net)
        at, again = known.renewal_time(folder.read(folder.file) or b"")
    except (requests.RequestException, errors.Error, JoseError, ValueError) as error:
        raise CertificateError(f"the certificate authority does not say when to renew ({_plain(error)})") from error
    finally:
        net.session.close()
    return None if at is None else round(at.timestamp() * 1000), round(again.timestamp() * 1000)


def _issue(folder: CertificateFolder, directory: str, email: str | None, publish: Publish) -> None:
    from acme import challenges, crypto_util

    client = _client(folder, directory, email)
    key = _key_pem(_new_key())
    order = client.new_order(crypto_util.make_csr(key, [folder.domain]))
    tokens = []
    try:
        for body in _http(order):
            response, validation = body.response_and_validation(client.net.key)
            token = body.chall.encode("token")
            publish(token, validation)
            tokens.append(token)
            client.answer_challenge(body, response)
        if not tokens and any(one.body.status.name != "valid" for one in order.authorizations):
            raise CertificateError(f"the certificate authority offers no {challenges.HTTP01.typ} for {folder.domain}")
        deadline = datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE)  # noqa: DTZ005 - the library compares
        done = client.poll_and_finalize(order, deadline)
    finally:
        for token in tokens:
            publish(token, "")
        client.net.session.close()
    folder.write(folder.file, key + done.fullchain_pem.encode())


def _http(order: OrderResource) -> Iterator[ChallengeBody]:
    from acme import challenges, messages

    for authorization in order.authorizations:
        if authorization.body.status != messages.STATUS_PENDING:
            continue  # proved the last time, which holds for a while
        for body in authorization.body.challenges:
            if isinstance(body.chall, challenges.HTTP01):
                yield body


def _client(folder: CertificateFolder, directory: str, email: str | None) -> ClientV2:
    """Signed in: with the account that is kept, or a new one, which agrees to the authority's terms."""
    from acme import client, errors, messages
    from josepy.jwa import RS256

    from wabox import __version__

    key = _account_key(folder)
    net = client.ClientNetwork(key, alg=RS256, user_agent=f"wabox/{__version__}", timeout=TIMEOUT)
    found = client.ClientV2(client.ClientV2.get_directory(directory, net), net)
    kept = _kept(folder, directory)
    if kept is not None:
        net.account = messages.RegistrationResource(uri=kept, body=messages.Registration())
        try:
            found.query_registration(net.account)
            return found
        except messages.Error:
            net.account = None  # the authority forgot it, or another one was set
    try:
        account = found.new_account(messages.NewRegistration.from_data(email=email, terms_of_service_agreed=True))
        uri = str(account.uri)
    except errors.ConflictError as known:
        uri = str(known.location)
        net.account = messages.RegistrationResource(uri=uri, body=messages.Registration())
    folder.write(folder.account, json.dumps({"directory": directory, "uri": uri}).encode())
    return found


def _kept(folder: CertificateFolder, directory: str) -> str | None:
    try:
        found: Any = json.loads(folder.read(folder.account) or b"{}")
        return str(found["uri"]) if found.get("directory") == directory else None
    except (ValueError, KeyError, AttributeError):
        return None


def _account_key(folder: CertificateFolder) -> JWKRSA:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from josepy.jwk import JWKRSA

    content = folder.read(folder.account_key)
    if content is None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        folder.write(folder.account_key, _key_pem(key))
    else:
        key = load_pem_private_key(content, None)  # type: ignore[assignment]
    return JWKRSA(key=key)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _key_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    found: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


def placeholder(folder: CertificateFolder) -> None:
    """A certificate that nobody trusts, so that the port can open while the real one is on its way."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    key, now = _new_key(), datetime.datetime.now(datetime.UTC)
    nobody = x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(nobody)
        .issuer_name(nobody)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=6))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(folder.domain)]), critical=True)
        .sign(key, SHA256())
    )
    folder.write(folder.placeholder, _key_pem(key) + made.public_bytes(Encoding.PEM))


def _refused(domain: str, error: Any) -> str:
    for authorization in error.failed_authzrs:
        for body in authorization.body.challenges:
            if body.error is not None:
                return _told(domain, body.error.code, body.error.detail)
    return _told(domain, None, str(error))


_TODO: Final = {
    "dns": "the name leads nowhere: at whoever sells you the domain, set an A record (and no AAAA record, or a right one) for "
    "{domain} to this machine's public address",
    "connection": "nobody answered at http://{domain}: is port 80 open in the firewall and at your provider, and does the name "
    "lead to this machine?",
    "unauthorized": "another server answered at http://{domain}: does the name lead to this machine, and has nothing else its "
    "port 80?",
    "caa": "the domain's CAA record names other authorities: allow this one there, or set [server] acme_url",
    "rateLimited": "too many were asked for: nothing to do but wait; wabox asks again later",
    "rejectedIdentifier": "this authority gives none for that name: is [server] domain a public name of yours?",
    "invalidContact": "the authority does not take [server] acme_email: correct it, or leave it out",
    "externalAccountRequired": "this authority wants an account of its own first: choose another [server] acme_url",
}


def _told(domain: str, code: str | None, detail: str | None) -> str:
    todo = _TODO.get(str(code), "wabox asks again later").format(domain=domain)
    said = " ".join((detail or "").split())[:200]
    return f"no certificate for {domain} ({code or 'refused'}): {todo}" + (
        f". The authority says: {said}" if said else ""
    )


def _plain(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "its own certificate is not trusted here; is this machine's clock right?"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"

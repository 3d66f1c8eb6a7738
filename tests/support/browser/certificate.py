"""A certificate for the stand-in of a new AWS account, which Chromium and other clients can trust."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from localcloud.stack import HOST


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1.

    file: the certificate with its private key.
    authority: the certificate of the authority that has issued it.
    key_hash: the hash of its public key, by which Chromium can trust it.
    """

    file: Path
    authority: Path
    key_hash: str

    @classmethod
    def create(cls, folder: Path) -> Certificate:
        """Create a certificate with its files in folder."""
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        certificate = cls(folder / "certificate.pem", folder / "authority.pem", _key_hash(issued.cert_chain_pems[0]))
        issued.private_key_and_cert_chain_pem.write_to_path(certificate.file)
        authority.cert_pem.write_to_path(certificate.authority)
        return certificate


def _key_hash(certificate: trustme.Blob) -> str:
    key = load_pem_x509_certificate(certificate.bytes()).public_key()
    return b64encode(sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()

"""Reads a bucket over the JSON API with the token of the Pod's service account (Cloud Storage documentation, "Objects: get", "list")."""

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

MANIFEST = "inferspec-manifest.json"
STORAGE = os.environ.get("STORAGE_ENDPOINT", "https://storage.googleapis.com")
METADATA = "http://" + os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
TOKEN = METADATA + "/computeMetadata/v1/instance/service-accounts/default/token"
_token = {}


class Absent(Exception):
    """What is asked for is not there, or not yet."""


def opened(url, headers=None):
    """The response. Raises Absent for a 404, and for whatever a later try can mend."""
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=60)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise Absent(f"{error.code}: the service account may not read {url}") from error
        raise Absent(f"{error.code} for {url}") from error
    except OSError as error:
        raise Absent(f"{error} for {url}") from error


def answered(url, headers=None):
    """The JSON of an answer. An answer that ends early raises Absent too: a later try can be whole."""
    with opened(url, headers) as response:
        try:
            return json.load(response)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Absent(f"{url} is no whole answer: {error}") from error


def authorised():
    """Header with a token; the metadata server makes one for the Pod's service account."""
    if _token.get("until", 0) < time.time():
        said = answered(TOKEN, {"Metadata-Flavor": "Google"})
        _token.update(value=said["access_token"], until=time.time() + said["expires_in"] - 60)
    return {"Authorization": "Bearer " + _token["value"]}


def media(bucket, name):
    """URL of an object's content."""
    return f"{STORAGE}/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"


def read(bucket, name, start=0):
    """Response that reads one object from byte ``start``."""
    return opened(media(bucket, name), {**authorised(), **({"Range": f"bytes={start}-"} if start else {})})


def document(bucket, name):
    """A JSON object of the bucket."""
    return answered(media(bucket, name), authorised())


def listed(bucket, folder):
    """{name below the folder: bytes} of all its objects."""
    found, page = {}, ""
    while True:
        query = {"prefix": folder + "/", "fields": "nextPageToken,items(name,size)", **({"pageToken": page} if page else {})}
        answer = answered(f"{STORAGE}/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}", authorised())
        found.update({item["name"][len(folder) + 1 :]: int(item["size"]) for item in answer.get("items", ())})
        page = answer.get("nextPageToken", "")
        if not page:
            return found


def manifest(bucket, folder):
    """The manifest of a complete folder."""
    return document(bucket, f"{folder}/{MANIFEST}")


def compared(wanted, there, where):
    """Raises Absent unless each file of the manifest is there with its size."""
    for name, file in sorted(wanted.items()):
        if there.get(name) != file["bytes"]:
            raise Absent(f"{where}/{name} has {there.get(name, 'no')} bytes, the manifest says {file['bytes']}")

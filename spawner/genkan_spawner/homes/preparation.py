"""The first start of a user: a container that makes the home's folder, before the server's own may see it.

The kubelet makes a missing folder too, but as root's, and cannot on an export where root has no rights. This container
runs as the user, with the folder of all homes before it and nothing else, and ends before the server begins.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.api import JsonObject

from .mounting import HOME_VOLUME

PREPARATION = "prepare-home"
"""Name of the container."""

_PARENT = "/homes"
_MAKE, _REFUSE = "make", "refuse"
"""What becomes of a folder that is missing."""

UNREACHABLE, LINK, NOT_MADE, NO_FOLDER, FOREIGN, NO_PARENT, GONE = range(70, 77)
"""The exit codes with which it ends."""

# A folder is entered and looked at before anything is made in it: what is a link now may have been none just before.
_SCRIPT = f"""\
set -f
enter() {{
  here=$(pwd -P) && [ ! -L "./$1" ] && cd "./$1" && [ "$(pwd -P)" = "${{here%/}}/$1" ]
}}
cd {_PARENT} || exit {UNREACHABLE}
home=$1
missing=$2
shift 2
while [ "$home" != "${{home#*/}}" ]; do
  enter "${{home%%/*}}" || exit {NO_PARENT}
  home=${{home#*/}}
done
if [ ! -e "./$home" ] && [ ! -L "./$home" ]; then
  [ "$missing" = {_MAKE} ] || exit {GONE}
  mkdir -m 700 "./$home" || [ -d "./$home" ] || exit {NOT_MADE}
fi
if [ -L "./$home" ]; then exit {LINK}; fi
if [ ! -d "./$home" ]; then exit {NO_FOLDER}; fi
if [ ! -O "./$home" ]; then exit {FOREIGN}; fi
for point; do (
  rest=$home/$point/
  while [ "$rest" ]; do
    [ -e "./${{rest%%/*}}" ] || mkdir -m 755 "./${{rest%%/*}}"
    enter "${{rest%%/*}}" || exit
    rest=${{rest#*/}}
  done
) 2>/dev/null; done
exit 0
"""

_SENTENCES: Mapping[int, Sentence] = {
    UNREACHABLE: say("The homes cannot be entered: their folder must let all users pass. Tell an administrator."),
    LINK: say("Your home is a link and not a folder, and links are not followed. Tell an administrator."),
    NOT_MADE: say(
        "Your home could not be made: the group of the servers must be able to write to the folder of the homes. "
        "Tell an administrator."
    ),
    NO_FOLDER: say("There is a file where your home should be. Tell an administrator."),
    FOREIGN: say("Your home belongs to somebody else on the file server. An administrator can hand it over to you."),
    NO_PARENT: say("The folder that your home is in does not exist, or is a link. Tell an administrator."),
    GONE: say(
        "You have had a home, and it is not in its place on the file server; a new one would be empty. "
        "Tell an administrator: the hub's documentation on moving homes says what to do."
    ),
}
_FULL = ("No space left on device", "Disk quota exceeded")


def preparation(
    path: str,
    *,
    may_make: bool,
    points: Sequence[str],
    image: str,
    folder: str | None,
    uid: int | None,
    gid: int | None,
    resources: Mapping[str, Mapping[str, Any]],
    pull_policy: str | None,
) -> JsonObject:
    """Return the container that makes a home, `path` within the `folder` of homes, where it is missing and may be made.

    `points` are folders in the home that volumes are mounted on: the kubelet could not make them where root has no
    rights. It asks for no more than the server's own container does, so that the pod needs no more room with it.
    """
    mount = {"name": HOME_VOLUME, "mountPath": _PARENT}
    arguments = (path, _MAKE if may_make else _REFUSE, *points)
    container: JsonObject = {
        "name": PREPARATION,
        "image": image,
        "command": ["sh", "-c", _literal(_SCRIPT), PREPARATION, *map(_escaped, arguments)],
        "env": [{"name": "LC_ALL", "value": "C"}],
        "workingDir": "/",
        "volumeMounts": [mount if folder is None else {**mount, "subPath": folder}],
        "resources": {name: dict(amounts) for name, amounts in resources.items()},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    numbers = {"runAsUser": uid, "runAsGroup": gid}
    container["securityContext"] |= {name: number for name, number in numbers.items() if number is not None}
    if pull_policy:
        container["imagePullPolicy"] = pull_policy
    return container


def _literal(text: str) -> str:
    """Return text that KubeSpawner, which fills in templates, leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _escaped(path: str) -> str:
    """Return an argument of which Kubernetes takes nothing for a variable, as it would what is in $()."""
    return _literal(path.replace("$", "$$"))


def failed_preparation(exit_code: int, message: str) -> Sentence:
    """Say in a sentence for the user why a home could not be prepared."""
    if exit_code == NOT_MADE and any(words in message for words in _FULL):
        return say("There is no room for your home: the disk of the homes is full. Tell an administrator.")
    sentence = _SENTENCES.get(exit_code)
    return sentence or say("Your home could not be prepared (exit code {code}). Tell an administrator.", code=exit_code)

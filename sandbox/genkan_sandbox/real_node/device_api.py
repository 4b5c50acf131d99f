"""The kubelet's API for device plug-ins, version v1beta1, as far as a plug-in without devices of its own needs it.

The messages are described here in the place of code that a compiler writes.
https://github.com/kubernetes/kubelet/blob/master/pkg/apis/deviceplugin/v1beta1/api.proto
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

VERSION = "v1beta1"
HEALTHY = "Healthy"
UNHEALTHY = "Unhealthy"

REGISTER = f"/{VERSION}.Registration/Register"
PLUGIN_SERVICE = f"{VERSION}.DevicePlugin"

_MANY = "many "

_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Empty": {},
    "DevicePluginOptions": {"pre_start_required": (1, "flag"), "get_preferred_allocation_available": (2, "flag")},
    "RegisterRequest": {"version": (1, "text"), "endpoint": (2, "text"), "resource_name": (3, "text")},
    "Device": {"ID": (1, "text"), "health": (2, "text")},
    "ListAndWatchResponse": {"devices": (1, "many Device")},
    "ContainerAllocateRequest": {"devices_ids": (1, "many text")},
    "AllocateRequest": {"container_requests": (1, "many ContainerAllocateRequest")},
    "Variable": {"key": (1, "text"), "value": (2, "text")},
    "DeviceSpec": {"container_path": (1, "text"), "host_path": (2, "text"), "permissions": (3, "text")},
    # The published file has a map of variables, which is on the wire a list of keys and values.
    "ContainerAllocateResponse": {"envs": (1, "many Variable"), "devices": (3, "many DeviceSpec")},
    "AllocateResponse": {"container_responses": (1, "many ContainerAllocateResponse")},
}
"""By name the fields of each message, with number and type."""


def _field(name: str, number: int, kind: str) -> FieldDescriptorProto:
    label = FieldDescriptorProto.LABEL_REPEATED if kind.startswith(_MANY) else FieldDescriptorProto.LABEL_OPTIONAL
    field = FieldDescriptorProto(name=name, number=number, label=label)
    match kind.removeprefix(_MANY):
        case "text":
            field.type = FieldDescriptorProto.TYPE_STRING
        case "flag":
            field.type = FieldDescriptorProto.TYPE_BOOL
        case other:
            field.type = FieldDescriptorProto.TYPE_MESSAGE
            field.type_name = f".{VERSION}.{other}"
    return field


def _pool() -> DescriptorPool:
    file = FileDescriptorProto(name="deviceplugin.proto", package=VERSION, syntax="proto3")
    for name, fields in _MESSAGES.items():
        described = [_field(field, number, kind) for field, (number, kind) in fields.items()]
        file.message_type.append(DescriptorProto(name=name, field=described))
    pool = DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _pool()


def message(name: str, **fields: str | bool | Iterable[Any]) -> Any:
    """Make a message of the API."""
    return _class(name)(**fields)


def encode(value: Any) -> bytes:
    """Return a message as it is on the wire."""
    encoded: bytes = value.SerializeToString()
    return encoded


def decoder(name: str) -> Callable[[bytes], Any]:
    """Return what reads messages of one name from the wire."""
    read: Callable[[bytes], Any] = _class(name).FromString
    return read


def _class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{VERSION}.{name}"))

"""What Model Armor is told of a gateway: which template screens the prompts and answers of which model."""

from __future__ import annotations

import json

from ..values import SpecAt, Value, derive
from .fleet import Fleet
from .places import Place

SETTINGS_LIMIT = 1023
"""Characters of a value of ``metadata`` (GoogleCloudPlatform/gke-gateway-api, GCPTrafficExtension)."""

UNNAMED = "default"
"""Entry for requests without a model's name (GKE tutorial "Secure a serving workload on GKE with Model Armor")."""


def settings(fleet: Fleet, gateway: str, place: Place) -> Value:
    """JSON: a template of the cluster's project and region for each model that is asked for there."""
    armor = fleet.platform.gateways[gateway].model_armor
    assert armor is not None, "nobody asks of a gateway without it"
    project = fleet.platform.projects[place.cluster.project].id
    template = f"projects/{project}/locations/{place.region}/templates/{armor.template}"
    names = fleet.led_names(gateway, place)
    entries = [
        {"model": name, "user_prompt_template_id": template, "model_response_template_id": template}
        for name in (UNNAMED, *(str(n.v) for n in names))
    ]
    said = Value(armor.template, SpecAt(("gateways", gateway, "modelArmor", "template")))
    return derive(f"template of {project} in {place.region}, for each model", json.dumps(entries, separators=(",", ":")), said, *names)

"""How long a request may be once a spec overrides the model's config.json."""

from __future__ import annotations

import pytest
from inferspec.resolve.context_length import overridden_context

YARN = '"rope_scaling": {"rope_type": "yarn", "factor": 4.0'


@pytest.mark.parametrize(
    ("overrides", "tokens"),
    [
        ('{"architectures": ["Gemma3ForCausalLM"]}', 32768),
        ('{"max_position_embeddings": 65536}', 65536),
        ('{"text_config": {"max_position_embeddings": 65536}}', 65536),
        (f"{{{YARN}}}}}", 131072),
        (f'{{{YARN}, "original_max_position_embeddings": 8192}}}}', 32768),
        (f'{{{YARN}, "original_max_position_embeddings": 40960}}}}', 163840),
        ('{"rope_parameters": {"full_attention": {"factor": 8.0}}}', 0),
        ('{"rope_scaling": {"factor": "4"}}', 0),
        ('{"max_position_embeddings": true}', 32768),
        ("not JSON", 0),
        ("[1]", 32768),
    ],
)
def test_only_what_is_about_the_rope_makes_it_longer(overrides: str, tokens: int) -> None:
    assert overridden_context(overrides, 32768) == tokens

"""What the commands that answer questions say, and what they say where a question is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from inferspec.cli.keys import Keys, NoKey
from inferspec.cli.session import count, named
from inferspec.diagnostics import parse_path

from tests import line
from tests.cli.conftest import Run, patched

KEYS = Keys()


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("serving.chat.scale.by", {"type": "text", "one of": "hpa, keda"}),
        ("serving.chat.scale.min", {"type": "whole number", "limits": "0 to 10000"}),
        ("delivery.source", {"type": "text", "one of": "git, oci", "default": "git"}),
        ("delivery.waves", {"type": "list of map", "limits": "1 or more entries", "required": "yes"}),
        ("delivery.waves.0.where.cluster", {"type": "text or a list of them", "such as": "chat"}),
        ("objectives.batch", {"type": "whole number", "limits": "-1000 to 1000"}),
        ("serving", {"type": "map of map", "keys such as": "chat"}),
        ("kind", {"type": "'Platform'", "required": "yes"}),
        ("extraResources[0].manifest.spec", {"type": "map"}),
    ],
)
def test_facts_of_a_key(path: str, facts: dict[str, str]) -> None:
    found = dict(KEYS.facts(KEYS.at(parse_path(path))))
    assert facts.items() <= found.items()
    assert facts.keys() == found.keys() - ({"form", "limits"} if "limits" not in facts else {"form"})


@pytest.mark.parametrize("path", ["serving.chat.engine", "capacityClasses.l4.shape", "capacityClasses.l4.shape[0]"])
def test_ten_names_of_the_catalogue_and_how_many_more(path: str) -> None:
    place = KEYS.at(parse_path(path))
    listed = dict(KEYS.facts(place))["such as"]
    assert listed.count(",") == 9 and listed.endswith(" more") and KEYS.line(place).count(listed) == 1


def test_an_index_between_dots_is_an_index() -> None:
    assert KEYS.at(parse_path("delivery.waves.0.where")).path == ("delivery", "waves", 0, "where")
    assert KEYS.at(parse_path("serving.0.team")).path == ("serving", "0", "team")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("serving.chat.maxModelLenn", "serving.chat has no key maxModelLenn; did you mean serving.chat.maxModelLen?"),
        ("Serving", "the spec has no key Serving; did you mean serving?"),
        ("maxModelLen", "the spec has no key maxModelLen; did you mean serving.NAME.maxModelLen"),
        ("alerts", "the spec has no key alerts; did you mean serving.NAME.alerts?"),
        ("gateway", "the spec has no key gateway; did you mean gateways?"),
        ("serving.chat.scale.nothing", "serving.chat.scale has no key nothing; its keys are min, max, by, metric, target, buffer,"),
        ("name.x", "name has no key x"),
    ],
)
def test_a_key_that_is_none(path: str, said: str) -> None:
    with pytest.raises(NoKey) as stopped:
        KEYS.at(parse_path(path))
    assert str(stopped.value).startswith(said)


def test_explain_lists_keys_and_rules(run: Run) -> None:
    said = run("explain").stdout
    assert "  serving: Services" in said and "  FIT001   model does not fit" in said


def test_explain_a_map_has_a_line_for_each_key(run: Run) -> None:
    lines = run("explain", "delivery").stdout.splitlines()
    assert lines[0] == "delivery: How manifests reach the clusters."
    assert any(told.startswith("  source: ") and told.endswith("[text, one of git, oci, default git]") for told in lines)


def test_explain_a_code_of_the_team(run: Run, repository: Path) -> None:
    (repository / "policies").mkdir()
    (repository / "policies/acme.cue").write_text("package inferspec\n\nrules: ACME001: []\n", encoding="utf-8")
    done = run("explain", "acme001")
    assert (done.returncode, done.stdout) == (0, "ACME001 is a rule of your own: it is defined in policies/acme.cue:3\n")
    assert "did you mean ACME001?" in run("explain", "ACME002").stderr


@pytest.mark.parametrize(("code", "meant"), [("FIT999", "FIT001"), ("FITT001", "FIT001"), ("FIT01", "FIT001")])
def test_explain_a_code_that_is_none(run: Run, code: str, meant: str) -> None:
    done = run("explain", code)
    assert done.returncode == 3 and "did you mean" in done.stderr and meant in done.stderr


# -- why and trace -----------------------------------------------------------------------------------------------------


@pytest.fixture
def overridden(repository: Path) -> Path:
    spec = Path(__file__).parent.parent / "cases/overrides/spec.yaml"
    (repository / "specs/quickstart.yaml").write_text(spec.read_text(encoding="utf-8"), encoding="utf-8")
    return repository


@pytest.mark.usefixtures("overridden")
def test_why_says_where_clusters_differ(run: Run) -> None:
    said = run("why", "Deployment/chat", "spec.replicas").stdout.splitlines()
    at = said.index("  clusters differ:")
    assert len(said) == at + 3
    assert said[0].startswith("Deployment search-llm/chat in cluster usc1-canary ")
    assert "    1 in usc1-canary" in said and any(told.endswith(" in usc1-prod; --cluster usc1-prod shows why") for told in said[at + 1 :])
    assert "clusters differ" not in run("why", "Deployment/chat", "spec.replicas", "--cluster", "usc1-canary").stdout
    assert "clusters differ" not in run("why", "Deployment/chat", "kind").stdout


@pytest.mark.usefixtures("overridden")
def test_why_names_the_layers_that_touch_the_object_alone(run: Run) -> None:
    assert "(base/chat, layers: stage-canary" in run("why", "Deployment/chat", "kind", "--cluster", "usc1-canary").stdout
    assert "stage-canary" not in run("why", "ServiceAccount/chat", "kind", "--cluster", "usc1-canary").stdout


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("spec.selecto", "did you mean spec.selector?"),
        ("spec.template.spec.containers.0.imag", "did you mean spec.template.spec.containers[0].image?"),
        ("containers[server].args", "did you mean spec.template.spec.containers[0].args?"),
        ("memory", "did you mean spec.template.spec.containers[0].resources."),
        ("spec.zzz.yyy", "; spec has "),
    ],
)
def test_why_with_a_field_that_is_none(run: Run, field: str, meant: str) -> None:
    done = run("why", "Deployment/chat", field)
    assert done.returncode == 3 and meant in done.stderr


@pytest.mark.parametrize("item", ["containers[server]", "containers.server", "containers['server']", "containers.0"])
def test_why_takes_an_item_by_its_name(run: Run, item: str) -> None:
    named, indexed = (run("why", "Deployment/chat", f"spec.template.spec.{at}.ports") for at in (item, "containers[0]"))
    assert (named.returncode, named.stdout) == (0, indexed.stdout)


def test_why_names_the_service_of_what_the_template_says(run: Run) -> None:
    said = run("why", "NetworkPolicy/chat", "kind").stdout
    assert said.endswith("  written in the template network-policy.yaml.j2, for serving.chat\n")
    assert run("why", "Namespace/assistants", "kind").stdout.endswith("  written in the template namespace.yaml.j2\n")


def test_why_with_no_path_says_which_forms_there_are(run: Run) -> None:
    done = run("why", "Deployment/chat", "spec.template.spec.containers[server.args")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "containers[server] for an item by its name" in done.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("serving.chat.maxModelLenn", "serving.chat has no key maxModelLenn; did you mean serving.chat.maxModelLen?"),
        ("serving.chatt.team", "this spec does not have serving.chatt, so it made no field; did you mean serving.chat.team?"),
        ("serving.chat.team", "serving.chat.team made no field"),
        ("delivery.waves.0.where", "delivery.waves[0].where made no field"),
        ("serving.nope.x", "this spec does not have serving.nope, so it made no field"),
    ],
)
def test_trace_of_what_made_nothing(run: Run, path: str, said: str) -> None:
    done = run("trace", path)
    assert done.returncode == 3 and done.stderr.startswith(f"inferspec: {said}")


def test_trace_of_what_decides_and_is_not_quoted(run: Run) -> None:
    """A capacity brings the nodes and their chips, a where the clusters; no field holds either as it is written."""
    capacity, where = run("trace", "serving.chat.capacity"), run("trace", "serving.chat.where")
    told, *lines = capacity.stdout.splitlines()
    assert capacity.returncode == where.returncode == 0
    assert told == "serving.chat.capacity is in no field as it is: it decides the class of the Pods of chat and their chips"
    assert "Deployment assistants/chat /spec/template/spec/nodeSelector/cloud.google.com~1compute-class = 'l4'  [usc1-demo]" in lines
    assert any("/resources/limits/nvidia.com~1gpu = 1 " in told for told in lines)
    assert where.stdout.splitlines()[1] == "clusters: usc1-demo"
    assert "it decides the namespace" in run("trace", "serving.chat.team").stderr


def test_explain_of_a_path_without_a_name_of_ones_own(run: Run) -> None:
    done = run("explain", "gateways.dns")
    first, second, *_ = done.stdout.splitlines()
    assert first == "gateways.dns is read as gateways.NAME.dns: a name of your own stands between"
    assert second.startswith("gateways.NAME.dns: Records of the host")


def test_explain_of_a_map_of_names_shows_the_keys_of_each(run: Run) -> None:
    lines = run("explain", "capacityClasses").stdout.splitlines()
    assert any("its keys are names of your own" in line for line in lines)
    assert any(line.startswith("  burst: ") for line in lines)


@pytest.fixture
def platform(repository: Path) -> None:
    spec = Path(__file__).parents[2] / "specs" / "platform.yaml"
    (repository / "specs/quickstart.yaml").write_text(spec.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("path", "because", "there"),
    [
        ("gateways.models.dns", "gateways.models.dns", "  ComputeAddress cloud-resources/usc1-prod-models-"),
        ("observability.dashboards", "observability.dashboards", "  dashboards/grafana/chat.json"),
        ("serving.chat.canary", "serving.chat.canary", "  InferencePool assist-llm/chat-gpu-canary "),
        ("storage.weights.copy", "storage.weights.copy", "  StorageTransferJob cloud-resources/weights-to-acme-models-euw4 "),
        ("storage.weights.writers", "storage.weights.writers", "  Job assist-llm/qwen3-8b-weights-v1-"),
        ("management", "management", "  Namespace cloud-resources (v1)  [acme-config]"),
    ],
)
def test_trace_names_the_objects_that_are_there_because_of_a_key(run: Run, path: str, because: str, there: str) -> None:
    done = run("trace", path)
    _, told, objects = done.stdout.partition(f"there because of {because}:\n")
    assert done.returncode == 0 and told, done.stderr
    assert any(line.startswith(there) for line in objects.splitlines()), objects


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("delivery.waves[1].revision", "RootSync config-management-system/platform /spec/git/revision = "),
        ("delivery.configSync.secretRef", "RootSync config-management-system/platform /spec/git/secretRef/name = 'git-creds'  ["),
        ("delivery.configSync.repo", "terraform.tfvars.json config_sync.repo = 'https://git.acme.example/"),
        ("name", "RootSync config-management-system/management /spec/git/dir = 'overlays/acme/management'  [acme-config]"),
        ("projects.prod.id", "terraform.tfvars.json project_id = 'acme-inference-prod'  ["),
        ("projects.prod", "terraform.tfvars.json project_number = '"),
        ("regions.europe-west4.clusters.euw4-prod.gke.minVersion", "terraform.tfvars.json min_version = '1."),
        ("regions.europe-west4.clusters.euw4-prod.mode", "terraform.tfvars.json autopilot = "),
        ("management.cluster", "RootSync config-management-system/management /spec/git/dir = "),
    ],
)
def test_trace_tells_of_syncs_and_terraform_variables(run: Run, path: str, line: str) -> None:
    done = run("trace", path)
    assert done.returncode == 0 and any(told.startswith(line) for told in done.stdout.splitlines()), done.stdout + done.stderr


def test_why_knows_the_rootsyncs(run: Run) -> None:
    done = run("why", "RootSync/platform", "spec.git.branch")
    assert done.stdout.startswith("RootSync config-management-system/platform in cluster usc1-demo")
    assert "from the spec: delivery.configSync.branch" in done.stdout


@pytest.mark.usefixtures("platform")
def test_why_names_the_line_of_an_alias(run: Run) -> None:
    said = run("why", "InferenceModelRewrite/chat-gpu", "spec.rules[0].matches[0].model.value").stdout
    assert "'help-desk' from the spec: serving.chat.aliases.help-desk" in said


@pytest.mark.usefixtures("platform")
def test_trace_says_what_would_be_otherwise(run: Run) -> None:
    done = run("trace", "gateways.models.default")
    assert done.stdout.splitlines()[0] == "otherwise without gateways.models.default:"
    assert "HTTPRoute assist-llm/tools-models spec.rules[0].matches[1].path.value = '/v1', would be not there" in done.stdout


def test_trace_takes_an_index_between_dots(run: Run) -> None:
    dotted, bracketed = run("trace", "serving.chat.expose.0"), run("trace", "serving.chat.expose[0]")
    assert (dotted.returncode, dotted.stdout) == (bracketed.returncode, bracketed.stdout)


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_check_lists_what_was_edited_by_hand(run: Run, repository: Path) -> None:
    assert run("compile", "-q").returncode == 0
    edited = "overlays/quickstart/base/chat/objects.yaml"
    with (repository / edited).open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    for arguments in (("compile", "--check"), ("verify",), ("compile", "--check", "--format", "json")):
        done = run(*arguments)
        assert done.returncode == 5 and f"~ {edited} (edited by hand)\n" in done.stderr and "git diff" in done.stderr
    done = run("compile")
    assert (
        done.returncode == 1 and f"--> {edited}:1:1" in done.stdout and f"'git diff {edited}'" in done.stdout and "--force" in done.stdout
    )
    assert run("compile", "--force").returncode == 0


def test_verify_lists_the_first_files(run: Run) -> None:
    said = run("verify").stderr.splitlines()
    assert len([told for told in said if told.startswith("+ ")]) == 20 and "and 13 more; 'inferspec compile --check' lists them all" in said


def test_verify_counts_what_was_proven_before(run: Run) -> None:
    assert run("compile", "-q").returncode == 0
    told = [run("verify", *more).stderr for more in ((), ("--all",), ("--all", "--no-cache"), ("--all",))]
    assert told == [f"proven: 36 objects, 1 overlay; {known} proven before\n" for known in (1, 1, 0, 1)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compile", "--only", "usc1-demo"), "give --check too"),
        (("compile", "--check", "--only", "usc1-dem"), "--only usc1-dem: there is no such cluster; did you mean usc1-demo?"),
    ],
)
def test_only(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("before", "after", "environment"),
    [((), ("--traceback",), {}), (("--traceback",), (), {}), ((), (), {"INFERSPEC_TRACEBACK": "1"}), ((), (), {})],
)
def test_a_traceback_where_one_is_wanted(
    repository: Path, before: tuple[str, ...], after: tuple[str, ...], environment: dict[str, str]
) -> None:
    fault = "import inferspec.cli.vet as v\ndef fail(options): raise RuntimeError('boom')\nv.run = fail"
    done = subprocess.run(
        patched(fault, *before, "vet", *after), cwd=repository, env=line.surroundings(environment), capture_output=True, text=True
    )
    wanted = bool(before or after or environment)
    assert done.returncode == 70 and "RuntimeError: boom" in done.stderr
    assert ("Traceback (most recent call last)" in done.stderr) is wanted
    assert wanted or (len(done.stderr.splitlines()) == 2 and "--traceback or INFERSPEC_TRACEBACK=1" in done.stderr)


def test_fmt_of_files_that_are_none(run: Run, repository: Path) -> None:
    assert run("fmt", "nope.yaml").stderr == "inferspec: there is no nope.yaml\n"
    assert run("fmt", "specs").stderr == "inferspec: specs cannot be read: is a directory\n"
    (repository / "latin.yaml").write_bytes(b"a: \xe9\n")
    assert run("fmt", "latin.yaml").stderr == "inferspec: latin.yaml is not UTF-8\n"


def test_init_says_what_it_named(run: Run) -> None:
    said = run("init", "My Platform").stdout
    assert "the platform is named my-platform: 'My Platform' is no platform name" in said
    assert said.endswith("next: edit 'My Platform/specs/platform.yaml', then run: inferspec compile -C 'My Platform'\n")
    assert "is named" not in run("init", "plain").stdout


def test_init_writes_a_spec_in_its_layout_and_says_what_ci_needs(run: Run, repository: Path) -> None:
    assert "\nfor CI: write mine/requirements.txt: inferspec==" in run("init", "mine").stdout
    for path in ("specs/platform.yaml", "policies/waivers.yaml"):
        file = repository / "mine" / path
        written = file.read_text(encoding="utf-8")
        assert run("fmt", str(file)).returncode == 0 and file.read_text(encoding="utf-8") == written
    steps = yaml.safe_load((repository / "mine/.github/workflows/inferspec.yaml").read_text(encoding="utf-8"))["jobs"]["check"]["steps"]
    (install,) = [step["run"] for step in steps if "requirements" in step.get("run", "")]
    done = subprocess.run(["/bin/sh", "-ec", install], cwd=repository / "mine", capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.startswith("::error::write requirements.txt first: inferspec==")


def test_policy_without_an_action_prints_its_help(run: Run) -> None:
    done = run("policy")
    assert done.returncode == 2 and done.stderr.startswith("usage: inferspec policy") and "run the rules of policies/" in done.stderr


def test_counts_and_names() -> None:
    assert [count(n, "cluster") for n in (0, 1, 2, 1000)] == ["0 clusters", "1 cluster", "2 clusters", "1,000 clusters"]
    assert named(["a", "b", "c"]) == "a, b, c" and named(list("abcde")) == "a, b, c and 2 more"

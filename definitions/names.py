"""The names that the app fixes in AWS, each with its environment, and what they ask of an environment's name."""

from __future__ import annotations

import re

from definitions.networks import KINDS

# The tag by which the bill can be read, and the beginning of every name.
PROJECT = "recognition"
VARIANT = "primary"
# What the record of releases says while no version is released.
NOT_RELEASED = "none"
# In the data bucket: what the endpoints were asked and answered.
CAPTURED_PREFIX = "captured"
# So many objects of a data set make its `data_version`. S3 lists up to a thousand; half of them stay well below what a
# state of a machine may hold (256 KiB).
LISTED_OBJECTS = 500
# In the data bucket: labels that arrived after the answer, by endpoint.
LABELS_PREFIX = "labels"
# The function's variables: the data bucket, and after how many days a day's answers are held against their labels.
LABELS_BUCKET_VARIABLE, LABELS_AFTER_DAYS_VARIABLE = "LABELS_BUCKET", "LABELS_AFTER_DAYS"
# In the model bucket, below what the drift jobs write: by endpoint and day how right its answers were.
LABELLED_PREFIX = "drift/labelled"
# What batch transform jobs read and write there, kept as long as other answers.
TRANSFORM_PREFIX = "transform"
# Below these prefixes of it lies what customers sent, and what was answered: no data set, and no input of a bulk run.
CUSTOMERS_PREFIXES = (f"{CAPTURED_PREFIX}/", f"{LABELS_PREFIX}/", f"{TRANSFORM_PREFIX}/")
# In the data bucket: the weights that a network starts from.
PRETRAINED_PREFIX = "pretrained"
# In the model bucket: requests and answers of asynchronous endpoints, kept as long as other answers.
ASYNCHRONOUS_PREFIX = "asynchronous"
# The function's variables: the members that name an endpoint without instances in a request, and that bucket.
IDLE_ENDPOINTS_VARIABLE, MODEL_BUCKET_VARIABLE = "IDLE_ENDPOINTS", "MODEL_BUCKET"
# In the model bucket: the splits that runs made of plain data.
PREPARED_PREFIX = "prepared"
# In the model bucket: artefacts as they were measured and registered; no job may write there.
REGISTERED_PREFIX = "registered"
# Below it, in the folder of a run's training job: what the console shows of the evaluation.
SUMMARY_FILE = "summary.json"
# The function's variable that is there where it does.
SHOWS_EVALUATIONS_VARIABLE = "SHOWS_EVALUATIONS"
# Below these prefixes of it there are artefacts of versions: as above, of before that, and by hand.
ARTEFACT_PREFIXES = (f"{REGISTERED_PREFIX}/", "training/", "local/")
# In the model bucket: the artefacts of what was released to a multi-model endpoint.
MULTI_MODEL_PREFIX = "multi-model"
# Below it, where a released version lies, which is how its callers name it.
TARGET_MODEL = "{kind}/{version}/model.tar.gz"
# Under which name the inference stack publishes such an endpoint's name.
SHARED_ENDPOINT = "shared-endpoint"
# The function's variable that names it.
SHARED_ENDPOINT_VARIABLE = "SHARED_ENDPOINT_NAME"
# The inference specification of a registered version that our own container serves.
LITERT = "litert"
# The one of AWS's container for processors without a GPU; the version's own is of the one for GPUs.
CPU = "cpu"
# Of a registered version's own properties: how many channels its sequences have, where it was trained on sequences.
SEQUENCE_CHANNELS = "sequence_channels"
# The states that a model does not pass in the training machine: it was trained and measured, and kept back.
GATES = ("BelowGate", "BehindChampion")
# In the data bucket: where a bake-off leaves the figures of the last one.
BAKEOFF_KEY = "bakeoffs/report.json"

# Hyphens divide the parts of a name: `Recognition-dev-` would also begin what belongs to an environment `dev-eu`,
# whose alarms and jobs `dev` must neither hear of nor touch.
ENVIRONMENT = re.compile(r"[a-z][a-z0-9]*")
# No domain of Cognito, which the console's sign-in has, may hold them.
RESERVED_WORDS = ("aws", "amazon", "cognito")
# Of a run's id, which is the id of the event that started it.
RUN_ID_CHARACTERS = 36
# What a run's hyperparameters may be. SageMaker's training toolkit joins them into one line of a shell: a value of
# other characters could be a command of its own, and after an empty one every name would get the next one's value.
HYPERPARAMETER_NAME = "^[a-z][a-z0-9_]{0,255}$"
HYPERPARAMETER_VALUE = '^("[A-Za-z0-9_.+-]{1,254}"|[A-Za-z0-9_.+][A-Za-z0-9_.+-]{0,255}|-[0-9.]{1,255})$'
# Of the names of SageMaker's endpoints and jobs.
SAGEMAKER_CHARACTERS = 63


def environment_problem(environment: str) -> str | None:
    """Why an environment cannot have this name, as a sentence; None where it can."""
    if not ENVIRONMENT.fullmatch(environment):
        return "a name has lower-case letters and digits only, and begins with a letter"
    if word := next((word for word in RESERVED_WORDS if word in environment), None):
        return f"a name cannot hold '{word}', which Cognito refuses in the domain of the console's sign-in"
    longest = max((of_kind for kind in KINDS for of_kind in long_names(environment, kind)), key=len)
    if (surplus := len(longest) - SAGEMAKER_CHARACTERS) > 0:
        return (
            f"a name has {len(environment) - surplus} characters at most: SageMaker takes "
            f"{SAGEMAKER_CHARACTERS} for a name such as {longest}"
        )
    return None


def long_names(environment: str, kind: str) -> list[str]:
    """The longest names in which SageMaker takes the environment's; a stack's may have twice as many characters."""
    run_id = "0" * RUN_ID_CHARACTERS
    return [
        asynchronous_endpoint_name(environment, kind),
        shared_endpoint_name(environment),
        # The second instance type, the fifth try.
        job_name(environment, kind, run_id, "2", "r5"),
        job_name(environment, kind, "drift", run_id, "r5"),
    ]


def stack_name(environment: str, part: str) -> str:
    """A stack in CloudFormation; with an empty part what the names of all begin with, and of their alarms."""
    return f"Recognition-{environment}-{part}"


def machine_name(environment: str, what: str) -> str:
    """The name of a state machine whose role trusts it and no other."""
    return f"{PROJECT}-{environment}-{what}"


def event_source(environment: str) -> str:
    """The source of the app's own events on the default bus, which every environment of an account shares."""
    return f"{PROJECT}.{environment}"


def sign_in_domain(environment: str, account: str) -> str:
    """The console's domain at Cognito, which is unique in a region over all accounts."""
    return f"{PROJECT}-{environment}-{account}"


def parameter_name(environment: str, name: str) -> str:
    """The path of a published value."""
    return f"/{PROJECT}/{environment}/{name}"


def environment_of(parameter: str) -> str:
    """The environment in the path of a published value."""
    return parameter.split("/")[2]


def job_name(environment: str, *words: str) -> str:
    """A job's name in SageMaker, which is used once in an account."""
    return "-".join((environment, *words))


def kind_of_job(name: str) -> str:
    """The kind of network in a training job's name."""
    return name.split("-")[1]


def endpoint_name(environment: str, kind: str) -> str:
    """The endpoint and the model package group of a kind of network; applications hold on to the endpoint's name."""
    return f"{PROJECT}-{environment}-{kind}"


def shared_endpoint_name(environment: str) -> str:
    """The multi-model endpoint that serves every kind, where the settings want it in the place of the kinds' own."""
    return f"{PROJECT}-{environment}-multi-model"


def asynchronous_endpoint_name(environment: str, kind: str) -> str:
    """The second endpoint of a kind that takes its requests from S3."""
    return f"{endpoint_name(environment, kind)}-asynchronous"


def component_endpoint_name(environment: str, kind: str) -> str:
    """The second endpoint of a kind whose instances go when nobody asks."""
    return f"{endpoint_name(environment, kind)}-to-zero"


def component_name(environment: str, kind: str) -> str:
    """The inference component on that endpoint, which its callers name too."""
    return f"{endpoint_name(environment, kind)}-component"


def shadow_parameter(kind: str) -> str:
    """The inference stack's parameter that says which version shadows a kind's endpoint."""
    return f"{kind.title()}ShadowVersion"


def version_parameter(kind: str) -> str:
    """The inference stack's parameter that says which version a kind's endpoint serves."""
    return f"{kind.title()}ModelVersion"


def released_version(kind: str) -> str:
    """Under which name the inference stack publishes the version that a kind's endpoint serves."""
    return f"{kind}-released-version"


def verified_release(kind: str) -> str:
    """Under which name the release state machine records the last version that answered it.

    JSON with `version` and `requested_at`, the instant of its approval; without both before there is one. The
    parameter's history is the list of releases, to which a rollback and a start after a shutdown go back.
    """
    return f"{kind}-verified-release"


def served_model(kind: str) -> str:
    """Under which name the inference stack publishes the model of that version, where the endpoint is shared."""
    return f"{kind}-served-model"


def endpoint_variable(kind: str) -> str:
    """The function's variable that names a kind's endpoint and model package group."""
    return f"{kind.upper()}_ENDPOINT_NAME"


def released_version_variable(kind: str) -> str:
    """The function's variable that names the parameter with a kind's released version."""
    return f"{kind.upper()}_RELEASED_VERSION_PARAMETER"

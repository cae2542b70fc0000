"""Batch's own API over the places and the jobs; what is not modelled answers 501."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.batch import placing
from local.clouds.aws.batch.jobs import Job, Jobs
from local.clouds.aws.batch.places import Place, Places, Refused, role_named
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal

LOST_NODE = "Host EC2 (instance i-0123456789abcdef0) terminated."
KINDS = {
    "compute-environment": ("computeEnvironmentName", "computeEnvironmentArn"),
    "job-queue": ("jobQueueName", "jobQueueArn"),
}
PAGE = 100
LISTED = 1000
"""Jobs in one page of a listing by state; by name it is PAGE."""


class Batch:
    """A service of the gateway, in place of moto's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.places = Places(lambda: self.clock())
        self.jobs = Jobs(lambda: self.clock())
        self.run: Callable[[Job], None] = lambda _: None
        """What carries a job out that has its node."""
        self._actions: dict[str, Callable[[Call], dict[str, Any]]] = {
            "CreateComputeEnvironment": self._create_environment,
            "CreateJobQueue": self._create_queue,
            "DescribeComputeEnvironments": lambda call: self._describe(call, "compute-environment"),
            "DescribeJobQueues": lambda call: self._describe(call, "job-queue"),
            "UpdateComputeEnvironment": lambda call: self._update(call, "compute-environment"),
            "UpdateJobQueue": lambda call: self._update(call, "job-queue"),
            "DeleteComputeEnvironment": lambda call: self._delete(call, "compute-environment"),
            "DeleteJobQueue": lambda call: self._delete(call, "job-queue"),
            "RegisterJobDefinition": self._register,
            "DescribeJobDefinitions": self._describe_definitions,
            "DeregisterJobDefinition": self._deregister,
            "SubmitJob": self._submit,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "TerminateJob": self._terminate,
            "CancelJob": self._terminate,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def clear(self) -> None:
        """An empty account."""
        self.places.clear()
        self.jobs.clear()

    def lose_node(self, id: str) -> None:
        """Spot, or a failure, takes the node of a job."""
        self.jobs.end(id, None, LOST_NODE)

    def give_capacity(self) -> None:
        """Nodes can be had again: the jobs that wait for one get it."""
        self.places.capacity = True
        self._go_on()

    def _go_on(self) -> None:
        """What Batch does in the course of time, it does before it is asked: each queue's first job gets its
        node, or is told why it has none; those behind it wait."""
        for waiting in list(self.jobs.waiting.values()):
            while waiting:
                job = next(iter(waiting.values()))
                environment = placing.node(self.places, self.jobs, job)
                if environment is None:
                    placing.explain(self.places, self.jobs, job, self.clock())
                    if job.status == "RUNNABLE":
                        break
                else:
                    self.jobs.place(job, environment)
                    self.run(job)

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """The tags of a queue, an environment, a definition or a job; none of what is not there."""
        found = self.places.tagged(arn) or self.jobs.all.get(arn.rpartition("/")[2])
        if found is not None:
            return found.tags
        bodies = (each.body for each in self.jobs.definitions if each.arn == arn)
        return dict(next((each.get("tags") or {} for each in bodies), {}))

    def before(self, call: Call) -> Answer | None:
        """Every answer is ours."""
        act = self._actions.get(call.action)
        if act is None:
            return refusal(call, "NotImplemented", f"The emulator cannot do batch:{call.action}", 501)
        try:
            return Answer.json(act(call))
        except Refused as error:
            return refusal(call, "ClientException", str(error))

    def after(self, call: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        del call
        return answer

    def _create_environment(self, call: Call) -> dict[str, Any]:
        checked(call)
        name = call.params["computeEnvironmentName"]
        return named(self.places.make("compute-environment", call.region, name, dict(call.params)))

    def _create_queue(self, call: Call) -> dict[str, Any]:
        for each in call.params.get("computeEnvironmentOrder") or []:
            found = self.places.find("compute-environment", call.region, each["computeEnvironment"])
            if found is None or found.status != "VALID":
                raise Refused(f"Compute environment {each['computeEnvironment']} is not in a valid state")
        name = call.params["jobQueueName"]
        return named(self.places.make("job-queue", call.region, name, dict(call.params)))

    def _describe(self, call: Call, kind: str) -> dict[str, Any]:
        plural = "computeEnvironments" if kind == "compute-environment" else "jobQueues"
        found = self.places.shown(kind, call.region, call.params.get(plural))
        return paged(call, plural, [self._shown(each) for each in found])

    def _shown(self, place: Place) -> dict[str, Any]:
        """As a describe shows it."""
        is_environment = place.kind == "compute-environment"
        return shown(place) | (placing.wanted(self.places, self.jobs, place) if is_environment else {})

    def _update(self, call: Call, kind: str) -> dict[str, Any]:
        place = self._place(call, kind)
        self.places.update(place, dict(call.params))
        return named(place)

    def _delete(self, call: Call, kind: str) -> dict[str, Any]:
        place = self._place(call, kind)
        self.places.delete(place)
        if kind == "job-queue":
            for job in [each for each in self.jobs.all.values() if each.queue is place]:
                self.jobs.terminate(job.id, "The job queue was deleted")
        return {}

    def _place(self, call: Call, kind: str) -> Place:
        name = call.params["computeEnvironment" if kind == "compute-environment" else "jobQueue"]
        place = self.places.find(kind, call.region, name)
        if place is None:
            raise Refused(f"{name} does not exist")
        return place

    def _register(self, call: Call) -> dict[str, Any]:
        container = call.params.get("containerProperties") or {}
        for field in ("jobRoleArn", "executionRoleArn"):
            if container.get(field) and role_named(container[field]) is None:
                raise Refused(f"{field}: {container[field]} cannot be assumed")
        if "FARGATE" in call.params.get("platformCapabilities", []) and not container.get("executionRoleArn"):
            raise Refused("executionRoleArn is required for Fargate jobs")
        made = self.jobs.register(call.region, dict(call.params))
        return {"jobDefinitionName": made.name, "jobDefinitionArn": made.arn, "revision": made.revision}

    def _describe_definitions(self, call: Call) -> dict[str, Any]:
        name, status = call.params.get("jobDefinitionName"), call.params.get("status")
        found = [
            each.shown()
            for each in self.jobs.definitions
            if each.region == call.region and name in (None, each.name) and status in (None, each.status)
        ]
        return paged(call, "jobDefinitions", found)

    def _deregister(self, call: Call) -> dict[str, Any]:
        found = self.jobs.definition(call.region, call.params["jobDefinition"])
        if found:
            found.status = "INACTIVE"
        return {}

    def _submit(self, call: Call) -> dict[str, Any]:
        queue = self.places.find("job-queue", call.region, call.params["jobQueue"])
        job = self.jobs.submit(queue, call.region, dict(call.params))
        self._go_on()
        return {"jobArn": job.arn, "jobId": job.id, "jobName": job.name}

    def _describe_jobs(self, call: Call) -> dict[str, Any]:
        ids = call.params["jobs"]
        if len(ids) > PAGE:
            raise Refused(f"at most {PAGE} jobs can be described at once")
        self._go_on()
        found = [self.jobs.all.get(each) for each in ids]
        return {"jobs": [each.shown() for each in found if each and each.queue.region == call.region]}

    def _list_jobs(self, call: Call) -> dict[str, Any]:
        queue = self._place(call, "job-queue")
        self._go_on()
        most = PAGE if call.params.get("filters") else LISTED
        if int(call.params.get("maxResults") or 1) > most:
            raise Refused(f"maxResults must be between 1 and {most}")
        found = self.jobs.listed(queue, call.params)
        return paged(call, "jobSummaryList", [each.summary() for each in found], most)

    def _terminate(self, call: Call) -> dict[str, Any]:
        self.jobs.terminate(call.params["jobId"], call.params["reason"])
        return {}

    def _tag(self, call: Call) -> dict[str, Any]:
        self._tagged(call).tags.update(call.params["tags"])
        return {}

    def _untag(self, call: Call) -> dict[str, Any]:
        self._tagged(call).tags.pop(call.params["tagKeys"], None)
        return {}

    def _tagged(self, call: Call) -> Place | Job:
        arn = call.params["resourceArn"]
        found = self.places.tagged(arn) or self.jobs.all.get(arn.rpartition("/")[2])
        if found is None:
            raise Refused(f"{arn} does not exist")
        return found


def checked(call: Call) -> None:
    """A compute environment's request: what it names must be there, and fit together."""
    asked = call.params.get("computeResources") or {}
    role = role_named(call.params.get("serviceRole", ""))
    if role is None or "batch.amazonaws.com" not in str(role.assume_role_policy_document):
        raise Refused(f"Service role {call.params.get('serviceRole')} cannot be assumed by AWS Batch")
    known = {each.id for each in backends.ec2(call.region).describe_subnets()}
    if not asked.get("subnets") or set(asked["subnets"]) - known:
        raise Refused(f"Subnets {asked.get('subnets')} do not exist")
    if not asked.get("securityGroupIds") and asked.get("type") == "FARGATE":
        raise Refused("Security groups are required for Fargate")
    if asked.get("type") == "FARGATE":
        return
    profile = backends.instance_profile(str(asked.get("instanceRole")).rpartition("/")[2])
    if profile is None or not profile.roles:
        raise Refused(f"Invalid IAM instance profile {asked.get('instanceRole')}")
    best_fit = (asked.get("type"), asked.get("allocationStrategy")) == ("SPOT", "BEST_FIT")
    if best_fit and role_named(asked.get("spotIamFleetRole", "")) is None:
        raise Refused("spotIamFleetRole is required for BEST_FIT")
    template = asked.get("launchTemplate")
    if template:
        multipart(call, template["launchTemplateId"])


def multipart(call: Call, id: str) -> None:
    """Batch merges its own part into the template's user data, which therefore is a MIME archive."""
    found = backends.ec2(call.region).launch_templates.get(id)
    if found is None:
        raise Refused(f"Launch template {id} does not exist")
    data = base64.b64decode(str(found.latest_version().data.get("UserData", ""))).decode()
    if data and not data.startswith(("MIME-Version:", "Content-Type: multipart")):
        raise Refused("The user data of the launch template is not in MIME multi-part format")


def shown(place: Place) -> dict[str, Any]:
    """As a describe shows it."""
    about = {"state": place.state, "status": place.status, "statusReason": place.reason, "tags": place.tags}
    return {**place.body, **about, **named(place)}


def named(place: Place) -> dict[str, Any]:
    """Its name and ARN under its own fields."""
    name, arn = KINDS[place.kind]
    return {name: place.name, arn: place.arn}


def paged(call: Call, field: str, items: list[Any], most: int = PAGE) -> dict[str, Any]:
    """One page of a listing."""
    first, size = int(call.params.get("nextToken") or 0), int(call.params.get("maxResults") or most)
    more = {"nextToken": str(first + size)} if first + size < len(items) else {}
    return {field: items[first : first + size], **more}

"""The overlay's part of S3."""

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.wire import refusal


class Buckets:
    """A bucket is reached through its own region only; elsewhere S3 tells which one that is."""

    def before(self, call: Call) -> Answer | None:
        """The redirect to the bucket's region."""
        region = backends.bucket_region(call.params.get("Bucket", ""))
        if not region or region == call.region or call.action in ("CreateBucket", "GetBucketLocation"):
            return None
        answer = refusal(call, "PermanentRedirect", "This bucket must be addressed in its own region.", 301)
        answer.headers = [*answer.headers, ("x-amz-bucket-region", region)]
        return answer

    def after(self, _: Call, answer: Answer) -> Answer:
        """Nothing to add."""
        return answer

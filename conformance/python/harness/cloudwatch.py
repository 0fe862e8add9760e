"""boto3 clients for metrics and alarms."""

import boto3
from botocore.config import Config

from .server import KEY, REGION, SECRET


def connect_cloudwatch(server, *, key=KEY, secret=SECRET, region=REGION, compress=True):
    """A client that neither retries nor checks its parameters, so that tests see what the server says."""
    config = Config(
        retries={"total_max_attempts": 1}, parameter_validation=False, connect_timeout=5, read_timeout=60,
        disable_request_compression=not compress,
    )
    return boto3.client(
        "cloudwatch", region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
        endpoint_url=server.endpoint, config=config,
    )

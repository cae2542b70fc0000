"""AWS Batch, strictly: what AWS's own documentation says and moto does not do."""

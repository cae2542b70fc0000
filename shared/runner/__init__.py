"""The program that runs on the machine. Python 3.9 or newer, standard library only, imports nothing else
of ours: it travels to the machine as one zipapp (`archive.py`), started by `python3 runner.pyz --boot FILE`.

    session   one machine's life: spec, staging, engine, finish
    control   the control plane's HTTP API; reports are queued and repeated
    console   what the engine says, on disk first; shipping sends it on
    keeping, checkpoint, workdir   where the work is kept
    clouds    which cloud this is; on_aws (s3, cloudwatch, aws, sigv4, imds)
"""

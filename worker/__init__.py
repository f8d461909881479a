"""The process: two straight lines that meet in Redis, and one that runs once.

ingesting/ingest.py  Kafka record -> Turn -> bins -> bucket deltas -> one atomic commit (deltas + next offset)
judging/judge.py     buckets -> window -> PSI against two references -> verdict -> episode -> outbox
learning/learn.py    a recorded offset range -> bin set + fixed reference; ingest starts where it ends

`app.py` starts the two halves of a process: `counting.py`, which every worker has, and `leading.py`, of
which one leads. `kafka/` is where records come from, `serving/` what HTTP answers from, `commands/` and
`calibrate/` are the commands beside `run`, and `demo/` is the demonstration.
"""

"""The process: two straight lines that meet in Redis, and one that runs once.

ingest.py  Kafka record -> Turn -> bins -> bucket deltas -> one atomic commit (deltas + next offset)
judge.py   buckets -> window -> PSI against two references -> verdict -> episode -> outbox
learn.py   a recorded offset range -> bin set + fixed reference; ingest starts where it ends
"""

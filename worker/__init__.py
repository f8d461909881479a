"""The process: two straight lines that meet in Redis.

ingest  Kafka record -> Turn -> bins -> bucket deltas -> one atomic commit (deltas + next offset)     `ingest.py`
judge   buckets -> window -> PSI against two references -> verdict -> episode -> outbox -> notification  `judge.py`
learn   a recorded offset range -> bin set + fixed reference; ingest starts where it ends               `learn.py`
"""

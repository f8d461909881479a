"""What a turn is and which bin it falls into. Pure: no Kafka, no Redis, no clock."""

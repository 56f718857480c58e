"""Traces by OpenTelemetry, to whatever speaks OTLP over HTTP; the extra ``wabox[telemetry]``, imported only where it is set."""

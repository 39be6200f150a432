#!/bin/sh
# Waits for the server to be healthy and creates the namespace, once. Safe to repeat: every `up` runs it.
# In: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_RETENTION (how long closed runs can be looked at, e.g. 30d).
set -eu

# An open port is not enough: the parts of a fresh server take some seconds to find each other.
attempts=60
until temporal operator cluster health >/dev/null 2>&1; do
  attempts=$((attempts - 1))
  if [ "$attempts" -le 0 ]; then
    echo "$TEMPORAL_ADDRESS is not healthy after two minutes; see: docker compose logs temporal" >&2
    exit 1
  fi
  sleep 2
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  echo "namespace $TEMPORAL_NAMESPACE is there"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
fi

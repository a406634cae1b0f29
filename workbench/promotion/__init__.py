"""From a tuning run with evidence to a version in the deployment registry."""

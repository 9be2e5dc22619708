#!/usr/bin/env bash
# Install the agents whose hooks are tested with the real programs (tests/agents), and sandboxes (tests/exports), below .agents: about 800 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .agents
cd .agents
[ -f package.json ] || printf '{"private":true}\n' >package.json
npm install --no-audit --no-fund --no-save "@openai/codex@0.169.0" "@anthropic-ai/claude-code@2.1.197" "@google/gemini-cli@0.61.0" \
    "@anthropic-ai/sandbox-runtime@0.0.78"

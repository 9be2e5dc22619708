#!/usr/bin/env bash
# Install the agents whose hooks are tested with the real programs (tests/agents), and sandboxes (tests/exports), and SDKs, below .agents: about 1.8 GB.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .agents
cd .agents
[ -f package.json ] || printf '{"private":true}\n' >package.json
npm install --no-audit --no-fund --no-save "@openai/codex@0.169.0" "@anthropic-ai/claude-code@2.1.197" "@google/gemini-cli@0.61.0" \
    "opencode-ai@1.18.33" "@qwen-code/qwen-code@0.24.4" \
    "@anthropic-ai/sandbox-runtime@0.0.78"
python3 -m venv sdk
sdk/bin/pip install --quiet "openai-agents==0.24.0" "claude-agent-sdk==0.2.189" "langchain==1.5.0"

#!/usr/bin/env bash
# Install the newest versions of the agents whose hooks are tested with the real programs (tests/agents), and sandboxes (tests/exports), and SDKs, below .agents: about 2.2 GB.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .agents
cd .agents
[ -f package.json ] || printf '{"private":true}\n' >package.json
npm install --no-audit --no-fund --no-save "@openai/codex@latest" "@anthropic-ai/claude-code@latest" "@google/gemini-cli@latest" "@google/gemini-cli-core@latest" \
    "@github/copilot@latest" "opencode-ai@latest" "@qwen-code/qwen-code@latest" "@aaif/goose-sdk@latest" \
    "@openai/agents@latest" "@anthropic-ai/claude-agent-sdk@latest" "zod@4" "typescript@5" "@types/node@20" \
    "@anthropic-ai/sandbox-runtime@0.0.78"
python3 -m venv sdk
sdk/bin/pip install --quiet "openai-agents==0.24.0" "claude-agent-sdk==0.2.189" "langchain==1.5.0"

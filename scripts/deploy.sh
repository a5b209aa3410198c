#!/bin/sh
# `make deploy STAGE=prod CODE_BUCKET=… [PARAMETERS="PublicUrl=https://… OrganisationName=…"]`: packages, uploads and
# creates or updates the stack janjan-<stage>, with the AWS CLI and whatever credentials it finds.
set -eu
cd "$(dirname "$0")/.."
stage=$1
region=${AWS_REGION:-ap-south-1}

if ! command -v aws >/dev/null; then
    echo "make deploy needs the AWS CLI (aws), which is not installed." >&2
    exit 1
fi
if [ -z "${CODE_BUCKET:-}" ]; then
    echo "Say which bucket takes the code: make deploy STAGE=$stage CODE_BUCKET=<a private bucket of yours in $region>." >&2
    exit 1
fi

make package "STAGE=$stage"
aws cloudformation package --region "$region" --template-file "dist/$stage/sam.yaml" \
    --s3-bucket "$CODE_BUCKET" --s3-prefix "janjan-$stage" --output-template-file "dist/$stage/packaged.yaml" >/dev/null
# shellcheck disable=SC2086  # several parameters, separated by spaces
aws cloudformation deploy --region "$region" --template-file "dist/$stage/packaged.yaml" \
    --s3-bucket "$CODE_BUCKET" --s3-prefix "janjan-$stage" --stack-name "janjan-$stage" \
    --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \
    --parameter-overrides "Stage=$stage" ${PARAMETERS:-}
aws cloudformation describe-stacks --region "$region" --stack-name "janjan-$stage" \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text

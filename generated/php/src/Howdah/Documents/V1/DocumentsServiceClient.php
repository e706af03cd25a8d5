<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Documents\V1;

/**
 * Makes documents from the tenant's records.
 */
class DocumentsServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Starts a job of kind `documents.workbook` that writes an Excel sales workbook of 50 tabs with charts.
     * The job's `file_id` names the workbook.
     * @param \Howdah\Documents\V1\StartWorkbookRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function StartWorkbook(\Howdah\Documents\V1\StartWorkbookRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.documents.v1.DocumentsService/StartWorkbook',
        $argument,
        ['\Howdah\Documents\V1\StartWorkbookResponse', 'decode'],
        $metadata, $options);
    }

}
